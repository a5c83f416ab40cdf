//! What the docs agent knows of English beyond its stems: words that say
//! nothing, words that say little, and words that mean nearly the same.
//!
//! General vocabulary of people who ask for help, and nothing of any corpus:
//! a word that is here to mend one question is a mistake.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words that carry no meaning of their own in a question.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(word) || FOREIGN_STOP_WORDS.contains(word)
}

/// Whether a word is one of those that make a question English.
pub(super) fn is_english_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(word)
}

/// Words that appear in every other question, and narrow down little.
pub(super) fn is_weak_word(word: &str) -> bool {
    WEAK_WORDS.contains(word)
}

/// The base form of an irregular verb or noun, or of a spelling with two
/// habits; stemming cannot find these.
pub(super) fn base_form(word: &str) -> Option<&'static str> {
    IRREGULAR.iter().find(|(forms, _)| forms.contains(&word)).map(|(_, base)| *base)
}

/// Groups of words that mean nearly the same to somebody who asks.
pub(super) fn synonym_groups() -> &'static [&'static [&'static str]] {
    SYNONYMS
}

/// Words that say nothing or little, and nothing else.
pub(super) fn plain_words() -> impl Iterator<Item = &'static str> {
    STOP_WORDS.iter().chain(WEAK_WORDS.iter()).copied()
}

/// What the answer to a question that begins so is likely to speak of.
pub(super) fn hints(question: &str) -> &'static [&'static str] {
    HINTS.iter().find(|(phrase, _)| question.contains(phrase)).map_or(&[], |(_, words)| words)
}

static STOP_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "
    a about actually after again all also always am an and any anyone anything are aren't as at be
    because been before being both but by can can't cannot could couldn't did didn't do does doesn't
    doing don't done each either else etc ever every everything for from had has have having he hello
    hence her here hers hey hi him his how i i'd i'll i'm i've if in instead into is isn't it it's its
    just let let's may maybe me might mine must my myself no nor not of off ok okay on once one only
    onto or other our ours out over own please quite really same shall she should shouldn't since so
    some somehow someone something still such than thanks that that's the their theirs them then there
    there's these they they're this those though to too up upon us very was wasn't we we're were weren't
    what what's whatever when where where's whether which while who who's whom whose why will with
    without won't would wouldn't yes yet you you're your yours yourself im ive dont cant whats doesnt
    isnt until till through per via vs against between during under anyway already even ago s t d m re
    ll ve anywhere everywhere nowhere nobody somebody everybody never many much
    "
    .split_whitespace()
    .collect()
});

/// Function words of German, French, Spanish, Portuguese, Italian and Dutch that
/// are no content words of English; as folded, so without accents.
static FOREIGN_STOP_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "
    aber als auch auf aus bei das dass dem der des dich diese dieser dieses du ein eine einem einen
    einer es fuer fur gibt habe haben ich ihr im ist kann koennen konnen mein meine meinen mich mir mit
    muss nach nicht oder ohne sich sie sind soll und uns unter vom von vor wann warum welche welcher
    welches wenn wer wie wieso wir wird wo wofur zu zum zur uber viel viele au aux avec ce ces cet cette
    dans elle est et etre faut il ils je la le les leur ma mais mes mon ne nous ont ou pas peut peux
    pourquoi puis quand que quel quelle quelles quels qui quoi ses sont sur une vos votre vous combien
    como cual cuales cuando cuanto cuantos del donde el ella ellos esta este esto hay las los mi mis muy
    para pero por porque puede puedo quien se ser si sobre soy su sus tengo tiene un una unos y yo ao da
    ele isso isto meu minha nao na nos onde os pode posso quanto quantos qual quais sao seu sua tem um
    uma voce che chi ci cosa dei della delle di dove gli ho io nel nella non perche piu quali sono tra
    lo aan bij dat de deze dit een hebben heeft het hoeveel ik kan maar mijn naar niet ook op te voor
    waar waarom wanneer wat welk wij zijn hoeft
    "
    .split_whitespace()
    .collect()
});

static WEAK_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "
    able add allow allowed answer ask best better big bit bring case come day describe different exactly
    example explain find first get getting give go going good got guys happen happening happens help
    info information keep kind know last like likely little long look lot make making mean means mind
    more most my need needed needs new next now people possible put question right say see show simple
    sort start stuff suppose supposed sure take takes tell thing things think time today try trying two
    use used using want wants way well whole wondering work works working second somewhere recommend
    recommended suggest offer sense matter anymore soon far hard easy easily exist exists available else
    wish provide include included there just full let within instead comes leave suddenly suddenli awful
    currently normally usually happy sad annoying guy please hello actual
    "
    .split_whitespace()
    .collect()
});

const IRREGULAR: &[(&[&str], &str)] = &[
    (&["bought"], "buy"),
    (&["came"], "come"),
    (&["got", "gotten"], "get"),
    (&["knew", "known"], "know"),
    (&["saw", "seen"], "see"),
    (&["said"], "say"),
    (&["brought"], "bring"),
    (&["caught"], "catch"),
    (&["stood"], "stand"),
    (&["understood"], "understand"),
    (&["met"], "meet"),
    (&["fell", "fallen"], "fall"),
    (&["wore", "worn"], "wear"),
    (&["woke", "woken"], "wake"),
    (&["slept"], "sleep"),
    (&["drove", "driven"], "drive"),
    (&["flew", "flown"], "fly"),
    (&["rose", "risen"], "rise"),
    (&["shook", "shaken"], "shake"),
    (&["stuck"], "stick"),
    (&["slowly", "slower"], "slow"),
    (&["faster", "fastest"], "fast"),
    (&["subscriber", "subscribers", "subscription", "subscriptions"], "subscribe"),
    (&["unsubscribing"], "unsubscribe"),
    (&["mg", "milligrams", "milligram"], "milligram"),
    (&["kg", "kilos", "kilo", "kilograms"], "kilogram"),
    (&["litre", "litres", "liters", "l"], "liter"),
    (&["ml", "millilitre", "millilitres"], "milliliter"),
    (&["min", "mins", "minute"], "minutes"),
    (&["sec", "secs"], "seconds"),
    (&["hr", "hrs"], "hours"),
    (&["uk", "england", "britain"], "britain"),
    (&["eu", "europe", "european"], "europe"),
    (&["usa", "america", "us"], "america"),
    (&["sent"], "send"),
    (&["paid"], "pay"),
    (&["broke", "broken"], "break"),
    (&["went", "gone"], "go"),
    (&["kept"], "keep"),
    (&["held"], "hold"),
    (&["lost"], "lose"),
    (&["made"], "make"),
    (&["took", "taken"], "take"),
    (&["gave", "given"], "give"),
    (&["chose", "chosen"], "choose"),
    (&["choice", "choices"], "choose"),
    (&["wrote", "written"], "write"),
    (&["ran"], "run"),
    (&["began", "begun"], "begin"),
    (&["forgot", "forgotten"], "forget"),
    (&["froze", "frozen"], "freeze"),
    (&["grew", "grown"], "grow"),
    (&["ground"], "grind"),
    (&["sold"], "sell"),
    (&["told"], "tell"),
    (&["found"], "find"),
    (&["left"], "leave"),
    (&["spoke", "spoken"], "speak"),
    (&["stole", "stolen"], "steal"),
    (&["torn", "tore"], "tear"),
    (&["hid", "hidden"], "hide"),
    (&["drew", "drawn"], "draw"),
    (&["drank", "drunk"], "drink"),
    (&["ate", "eaten"], "eat"),
    (&["built"], "build"),
    (&["shown"], "show"),
    (&["thrown", "threw"], "throw"),
    (&["won"], "win"),
    (&["meant"], "mean"),
    (&["spent"], "spend"),
    (&["lent"], "lend"),
    (&["felt"], "feel"),
    (&["children"], "child"),
    (&["people"], "person"),
    (&["grey"], "gray"),
    (&["licence", "licences"], "license"),
    (&["defence"], "defense"),
    (&["cheque"], "check"),
    (&["programme", "programmes"], "program"),
    (&["tyre", "tyres"], "tire"),
    (&["aluminium"], "aluminum"),
    (&["mould", "mouldy"], "mold"),
    (&["cosy"], "cozy"),
    (&["delivery", "deliveries"], "deliver"),
    (&["payment", "payments"], "pay"),
    (&["removal"], "remove"),
    (&["renewal", "renewals"], "renew"),
    (&["cancellation", "cancellations", "cancelation"], "cancel"),
    (&["refusal"], "refuse"),
    (&["failure", "failures"], "fail"),
    (&["height"], "high"),
    (&["width"], "wide"),
    (&["length"], "long"),
    (&["weight", "weights"], "weigh"),
    (&["storage"], "store"),
    (&["pricing", "prices"], "price"),
    (&["deployment"], "deploy"),
    (&["docs", "doc", "documentation"], "document"),
    (&["config", "configs"], "configure"),
    (&["auth"], "authenticate"),
    (&["repo"], "repository"),
    (&["env"], "environment"),
    (&["dir"], "directory"),
    (&["js"], "javascript"),
    (&["db"], "database"),
    (&["app", "apps"], "application"),
    (&["info"], "information"),
    (&["photo", "photos"], "photograph"),
];

const SYNONYMS: &[&[&str]] = &[
    &["weekend", "saturday", "sunday"],
    &["weekday", "monday", "friday"],
    &["tomorrow", "overnight", "next"],
    &["morning", "noon"],
    &["fridge", "refrigerator"],
    &["freezer", "freeze", "frozen", "deep"],
    &["dislike", "hate", "like"],
    &["rip", "tear", "torn", "damage", "split"],
    &["froth", "foam", "steam", "whisk"],
    &["noise", "sound", "loud", "noisy"],
    &["awful", "terrible", "bad", "strange", "weird"],
    &["decline", "refuse", "reject", "fail"],
    &["beginner", "begin", "newcomer", "start"],
    &["steep", "brew", "infuse", "soak"],
    &["recycle", "dispose", "waste"],
    &["package", "parcel", "box"],
    &["holiday", "away", "vacation", "travel"],
    &["repair", "guarantee", "replace"],
    &["waiting", "wait", "late", "arrive"],
    &["shortcut", "hotkey", "key"],
    &["hole", "vulnerability", "leak", "exploit", "weakness"],
    &["tell", "report", "inform", "notify"],
    &["computer", "machine", "laptop", "pc", "local"],
    &["variable", "property", "token"],
    &["try", "demo", "test", "trial"],
    &["need", "require", "prerequisite"],
    &["upgrade", "update", "version", "newer"],
    &["backup", "copy", "save"],
    &["crash", "fail", "error", "broken"],
    &["hidden", "invisible", "appear", "visible"],
    &["appear", "show", "visible", "display"],
    &["blind", "reader", "accessibility", "impair"],
    &["touch", "mobile", "tablet", "phone"],
    &["count", "measure", "track", "analytics", "statistics"],
    &["memory", "ram", "resource"],
    &["certificate", "tls", "https", "ssl"],
    &["proxy", "nginx", "gateway"],
    &["cookie", "storage", "localstorage"],
    &["gdpr", "privacy", "personal", "data"],
    &["licence", "legal", "terms"],
    &["model", "llm", "ai", "gpt", "chatgpt"],
    &["supported", "support", "compatible"],
    &["job", "career", "hire", "vacancy"],
    &["kid", "child", "children"],
    &["dog", "pet", "animal"],
    &["parking", "park", "car"],
    &["vegan", "plant", "dairy"],
    &["ingredient", "contain", "allergen", "allergy"],
    &["allergy", "allergen", "nut", "gluten"],
    &["invoice", "bill", "receipt"],
    &["receipt", "bill", "proof"],
    &["salary", "wage", "pay", "earn", "income"],
    &["owner", "own", "belong"],
    &["cheapest", "cheap", "price", "least"],
    &["strong", "weak", "strength"],
    &["teach", "train", "course", "learn", "lesson"],
    &["rent", "lend", "loan", "borrow", "hire", "lease"],
    &["print", "paper"],
    &["logo", "brand", "label", "name"],
    &["throw", "discard", "bin", "rubbish"],
    &["garden", "plant", "compost"],
    &["plastic", "film", "packaging"],
    &["electricity", "power", "energy", "solar", "wind"],
    &["boat", "ship", "sail"],
    &["plane", "fly", "flight", "air"],
    &["delete", "remove", "erase", "wipe", "clear", "discard"],
    &["change", "modify", "edit", "alter", "adjust", "update", "switch", "replace"],
    &["customise", "change", "personalise", "style", "theme"],
    &["buy", "purchase", "order"],
    &["price", "cost", "charge", "fee", "pay", "expensive", "cheap", "rate"],
    &["free", "price", "charge"],
    &["pay", "payment", "billing", "invoice", "charge"],
    &["begin", "start", "first", "launch"],
    &["install", "setup", "start", "quick"],
    &["image", "picture", "photo", "photograph", "avatar", "logo", "icon"],
    &["mail", "email", "message"],
    &["email", "write", "contact"],
    &["phone", "telephone", "call"],
    &["phone", "mobile", "smartphone"],
    &["contact", "reach", "support", "help"],
    &["fast", "quick", "speed", "rapid", "slow"],
    &["big", "large", "size", "huge", "small"],
    &["size", "width", "height", "wide", "tall"],
    &["refund", "return", "money", "reimburse"],
    &["gift", "present"],
    &["return", "back"],
    &["ship", "deliver", "dispatch", "send", "post", "parcel", "package"],
    &["arrive", "deliver", "arrival", "reach"],
    &["late", "delay", "missing", "lost"],
    &["broken", "damage", "faulty", "defective", "crush", "tear", "break"],
    &["cancel", "stop", "end", "quit", "terminate", "unsubscribe"],
    &["pause", "skip", "suspend", "hold", "holiday", "vacation"],
    &["login", "signin", "sign", "log", "password"],
    &["register", "signup", "account", "sign"],
    &["forget", "reset", "recover", "lose"],
    &["user", "visitor", "customer", "person", "people"],
    &["error", "problem", "fail", "issue", "wrong", "trouble", "fault", "broken"],
    &["dark", "night", "black"],
    &["colour", "hue", "shade", "tint"],
    &["website", "site", "page", "web"],
    &["configure", "setting", "option", "preference"],
    &["key", "secret", "credential", "token"],
    &["host", "deploy", "server", "production", "serve"],
    &["keep", "store", "save", "retain", "remember", "persist"],
    &["where", "location", "place", "address"],
    &["move", "address", "relocate"],
    &["company", "business", "firm", "wholesale", "cafe", "office"],
    &["office", "workplace"],
    &["gift", "present", "voucher"],
    &["discount", "coupon", "voucher", "code", "promotion", "cheap", "sale"],
    &["expire", "expiry", "valid", "end"],
    &["old", "age", "fresh", "expire", "stale"],
    &["fresh", "freshness", "date"],
    &["safe", "secure", "security", "protect"],
    &["private", "privacy", "personal", "data"],
    &["limit", "maximum", "minimum", "cap", "restrict"],
    &["minimum", "least", "smallest"],
    &["maximum", "most", "longest", "largest"],
    &["language", "locale", "translate", "translation"],
    &["text", "word", "string", "wording", "label"],
    &["corner", "position", "place", "side"],
    &["hide", "show", "visible", "display"],
    &["open", "show", "launch"],
    &["close", "hide", "shut"],
    &["button", "launcher", "bubble", "icon"],
    &["bubble", "launcher", "widget"],
    &["chat", "widget", "conversation"],
    &["conversation", "history", "transcript", "message"],
    &["chat", "conversation", "message"],
    &["reply", "answer", "response", "respond"],
    &["greeting", "welcome", "hello"],
    &["suggestion", "prompt", "starter"],
    &["embed", "insert", "include", "integrate", "put", "place", "add"],
    &["script", "tag", "snippet", "code"],
    &["event", "callback", "hook", "listen", "notify"],
    &["api", "endpoint", "interface", "call"],
    &["allow", "permit", "accept", "enable", "whitelist"],
    &["disable", "off", "deactivate", "switch"],
    &["enable", "on", "activate", "switch"],
    &["domain", "origin", "host", "website"],
    &["folder", "directory", "path", "file"],
    &["file", "document"],
    &["log", "logging", "trace"],
    &["require", "need", "prerequisite", "necessary"],
    &["compile", "build", "make"],
    &["command", "terminal", "cli", "flag"],
    &["heat", "temperature", "hot", "warm", "boil"],
    &["cold", "ice", "chill", "freeze"],
    &["clean", "wash", "rinse", "maintain"],
    &["ratio", "amount", "quantity", "dose", "much", "gram"],
    &["amount", "quantity", "number", "volume"],
    &["weigh", "gram", "kilo", "scale"],
    &["coarse", "fine", "grind", "size"],
    &["taste", "flavour", "note"],
    &["bitter", "sour", "taste"],
    &["environment", "green", "sustainable", "eco", "climate", "carbon"],
    &["recycle", "compost", "waste", "bin", "rubbish", "trash", "reuse"],
    &["bag", "sack", "pouch"],
    &["farmer", "grower", "producer", "farm"],
    &["country", "region", "origin", "abroad", "international", "overseas"],
    &["abroad", "international", "foreign", "overseas", "customs"],
    &["duty", "tax", "customs", "vat"],
    &["frequency", "often", "interval", "every", "schedule"],
    &["open", "hours", "visit"],
    &["repair", "fix", "mend", "warranty", "guarantee"],
    &["warranty", "guarantee"],
    &["exchange", "swap", "replace"],
    &["swap", "switch", "change"],
    &["wrong", "incorrect", "mistake"],
    &["decaf", "decaffeinated", "caffeine"],
    &["machine", "maker", "equipment", "brewer"],
    &["brew", "make", "prepare", "recipe"],
    &["join", "combine", "merge"],
    &["track", "follow", "status"],
    &["person", "visitor", "someone"],
    &["load", "fetch", "download"],
    &["restart", "reload", "refresh"],
    &["offline", "network", "connection", "disconnect"],
    &["destroy", "remove", "unmount"],
    &["rounded", "radius", "corner", "round"],
    &["font", "typeface", "typography"],
];

const HINTS: &[(&str, &[&str])] = &[
    ("how much", &["price", "cost", "amount", "ratio"]),
    ("how long", &["days", "time", "minutes", "weeks", "duration"]),
    ("how many", &["number", "limit"]),
    ("how often", &["every", "weeks", "frequency"]),
    ("how soon", &["days", "time"]),
    ("how hot", &["temperature"]),
    ("how fast", &["days", "time", "speed"]),
    ("when ", &["days", "date", "time"]),
    ("who ", &["person", "team"]),
    ("is it safe", &["security"]),
];
