//! What the options say of themselves when they are wrong.

use super::*;

fn object(members: &[(&str, Given)]) -> Given {
    Given::Members(members.iter().map(|(key, given)| ((*key).to_owned(), given.clone())).collect())
}

fn words(text: &str) -> Given {
    Given::Text(text.to_owned())
}

fn parse(members: &[(&str, Given)]) -> Result<Options, OptionsError> {
    let mut all = vec![("site", words("site_demo"))];
    all.extend_from_slice(members);
    GivenOptions::new(object(&all))?.parse()
}

fn error(members: &[(&str, Given)]) -> String {
    parse(members).unwrap_err().to_string()
}

#[test]
fn the_site_is_enough() {
    let options = parse(&[]).unwrap();
    assert_eq!(options.config.site, "site_demo");
    assert_eq!(options.theme, Theme::default());
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    assert_eq!(
        error(&[("theme", object(&[("acent", words("#fff"))]))]),
        "option \"theme.acent\" is not known. Did you mean \"theme.accent\"? Known here: accent, colorScheme, radius, density, font, tokens"
    );
    assert!(
        error(&[("colour", words("red"))]).starts_with("option \"colour\" is not known. Known here: site,")
    );
    assert!(error(&[("zindex", Given::Number(1.0))]).contains("Did you mean \"zIndex\"?"));
    assert!(error(&[("titel", words("Help"))]).contains("Did you mean \"title\"?"), "and not site");
}

#[test]
fn a_wrong_value_is_named_with_what_is_allowed() {
    let cases: [(&str, Given, &str); 14] = [
        ("site", words("demo"), "not \"demo\""),
        (
            "position",
            words("middle"),
            "\"bottom-right\", \"bottom-left\", \"top-right\" or \"top-left\", not",
        ),
        ("history", words("no"), "must be true or false, not \"no\""),
        ("attachments", words("no"), "must be true or false, not \"no\""),
        ("openByDefault", words("yes"), "must be true or false, not \"yes\""),
        ("suggestions", words("a"), "must be a list of at most 4 texts, not \"a\""),
        (
            "suggestions",
            Given::List(vec![words("a"), Given::Number(1.0)]),
            "\"suggestions[1]\" must be a text",
        ),
        ("suggestions", Given::List(vec![words("a"); 5]), "not 5 of them"),
        ("title", Given::Number(3.5), "must be a text of at most 2,000 characters, not 3.5"),
        ("offset", Given::Number(-1.0), "from 0 to 1000, not -1"),
        ("zIndex", Given::Number(1.5), "a whole number"),
        ("persist", Given::Flag(true), "not true"),
        ("onReady", words("f"), "must be a function"),
        ("theme", words("dark"), "must be an object with accent"),
    ];
    for (key, given, expected) in cases {
        let message = GivenOptions::new(object(&[("site", words("site_demo")), (key, given.clone())]))
            .and_then(|options| match key {
                "site" => GivenOptions::new(object(&[("site", given)]))?.parse(),
                _ => options.parse(),
            })
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{key}: {message}");
        assert!(message.contains(key), "{key}: {message}");
    }
}

#[test]
fn options_that_are_no_object_and_a_missing_site_are_said() {
    assert_eq!(
        GivenOptions::new(Given::Nothing).unwrap_err().to_string(),
        "options must be an object, not nothing"
    );
    let missing = GivenOptions::new(object(&[])).unwrap().parse().unwrap_err();
    assert!(missing.to_string().starts_with("option \"site\" is missing"));
}

#[test]
fn a_relay_is_an_origin_and_plain_http_stays_at_home() {
    for good in [
        "https://relay.example.com",
        "https://relay.example.com:8443/",
        "http://127.0.0.1:8787",
        "http://localhost:1",
        "http://[::1]:80",
    ] {
        assert_eq!(relay(&words(good)).unwrap(), good.trim_end_matches('/'), "{good}");
    }
    for bad in [
        "",
        "relay.example.com",
        "http://relay.example.com",
        "https://",
        "https://a/b",
        "https://u@a",
        "javascript:alert(1)",
        "http://127.evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
    ] {
        assert!(relay(&words(bad)).is_err(), "{bad}");
    }
}

#[test]
fn update_merges_and_null_takes_away() {
    let first = GivenOptions::new(object(&[
        ("site", words("site_demo")),
        ("title", words("A")),
        ("theme", object(&[("accent", words("#0b6e69")), ("radius", Given::Number(8.0))])),
    ]))
    .unwrap();
    let changes = object(&[("theme", object(&[("radius", Given::Number(2.0))])), ("title", Given::Nothing)]);
    let options = first.merged(changes).unwrap().parse().unwrap();
    assert_eq!(options.theme.radius, Some(2.0));
    assert!(options.theme.accent.is_some(), "what was not named stays");
    assert_eq!(options.config.title, None);
}

#[test]
fn update_cannot_make_it_another_widget() {
    let first = GivenOptions::new(object(&[("site", words("site_demo"))])).unwrap();
    let refused = first.merged(object(&[("site", words("site_other"))])).unwrap_err();
    assert!(refused.to_string().starts_with("option \"site\" cannot be changed by update()"));
}

#[test]
fn every_place_and_look_is_typed_and_its_error_names_the_key() {
    let number = Given::Number;
    let cases: Vec<(&str, Given, &str)> = vec![
        (
            "mode",
            words("popup"),
            "\"mode\" must be \"launcher\", \"inline\", \"fullscreen\", \"kiosk\" or \"frame\", not \"popup\"",
        ),
        ("target", number(1.0), "\"target\" must be an element of the page, or a CSS selector"),
        ("autoOpen", Given::Flag(true), "\"autoOpen\" must be an object with delayMs, not true"),
        ("autoOpen", object(&[("delay", number(1.0))]), "Did you mean \"autoOpen.delayMs\"?"),
        (
            "autoOpen",
            object(&[("delayMs", number(-1.0))]),
            "\"autoOpen.delayMs\" must be a number of milliseconds",
        ),
        (
            "launcher",
            object(&[("icon", words("javascript:x"))]),
            "\"launcher.icon\" must be the address of a picture",
        ),
        ("launcher", object(&[("hiden", Given::Flag(true))]), "Did you mean \"launcher.hidden\"?"),
        ("teaser", object(&[("delayMs", number(1.0))]), "\"teaser\" must be an object with text"),
        ("teaser", words("Hello"), "\"teaser\" must be an object with text"),
        ("avatarUrl", words("bot"), "\"avatarUrl\" must be the address of a picture"),
        ("dir", words("auto"), "\"dir\" must be \"ltr\" or \"rtl\", not \"auto\""),
        ("locale", words("german"), "\"locale\" must be a language tag"),
        ("strings", object(&[("sendd", words("x"))]), "Did you mean \"strings.send\"?"),
        ("strings", object(&[("send.several", words("x"))]), "keys with no ending, or .zero"),
        ("strings", object(&[("send", number(1.0))]), "\"strings.send\" must be a text"),
        ("sound", words("ding"), "\"sound\" must be true or false"),
        ("theme", object(&[("density", words("tight"))]), "\"theme.density\" must be \"compact\""),
        ("theme", object(&[("font", words("url(x)"))]), "\"theme.font\" must be names of fonts"),
        (
            "theme",
            object(&[("tokens", object(&[("border", words("red; x: y"))]))]),
            "\"theme.tokens.border\" must be a colour",
        ),
        (
            "theme",
            object(&[("tokens", object(&[("panelWith", number(1.0))]))]),
            "Did you mean \"theme.tokens.panelWidth\"?",
        ),
        ("theme", object(&[("tokens", object(&[("panelWidth", number(1.0))]))]), "from 280 to 1000, not 1"),
        (
            "theme",
            object(&[("tokens", object(&[("ok", object(&[("dark", words("#12"))]))]))]),
            "\"theme.tokens.ok.dark\" must be a colour",
        ),
    ];
    for (key, given, expected) in cases {
        let message = error(&[(key, given)]);
        assert!(message.contains(expected), "{key}: {message}");
    }
}

#[test]
fn somebody_has_to_be_talked_to() {
    let parse =
        |members: &[(&str, Given)]| GivenOptions::new(object(members)).and_then(|given| given.parse());
    assert!(parse(&[("getToken", Given::Function)]).is_ok());
    assert!(parse(&[("api", words("https://a.example/api/chat"))]).unwrap().config.is_direct);
    let missing = parse(&[]).unwrap_err().to_string();
    assert!(missing.contains("getToken or api"), "{missing}");
}

#[test]
fn an_endpoint_is_a_safe_address_or_a_path() {
    for good in ["https://a.example/api/chat?x=1", "http://localhost:3000/api/chat", "/api/chat"] {
        assert!(parse(&[("api", words(good))]).is_ok(), "{good}");
    }
    for bad in
        ["", "api/chat", "//evil.example/x", "http://a.example/", "javascript:x", "https://u@a/", "/a\\b"]
    {
        assert!(error(&[("api", words(bad))]).contains("\"api\" must be the address"), "{bad}");
    }
}

#[test]
fn a_button_of_the_page_takes_the_place_of_the_launcher() {
    let selector = ("selector", words("#help"));
    let options = parse(&[("launcher", object(std::slice::from_ref(&selector)))]).unwrap();
    assert!(options.config.launcher.is_hidden);
    assert_eq!(options.launcher_selector.as_deref(), Some("#help"));
    let both = parse(&[("launcher", object(&[selector, ("hidden", Given::Flag(false))]))]).unwrap();
    assert!(!both.config.launcher.is_hidden);
}

#[test]
fn a_language_tells_its_direction() {
    for rtl in ["ar", "AR-eg", "he", "fa-IR", "az-Arab", "ur"] {
        assert_eq!(direction_of(rtl), Direction::Rtl, "{rtl}");
    }
    for ltr in ["", "en", "de-AT", "ja", "ku-Latn", "uz-Latn-UZ", "arn"] {
        assert_eq!(direction_of(ltr), Direction::Ltr, "{ltr}");
    }
}

#[test]
fn a_providers_key_is_refused_in_a_header_and_not_repeated() {
    for value in
        ["sk-proj-0123456789", "Bearer sk-0123456789", "bearer  chtb_0123456789", "Token gsk_0123456789"]
    {
        let said = error(&[("headers", object(&[("authorization", words(value))]))]);
        assert!(said.contains("\"headers.authorization\" looks like a provider's key"), "{said}");
        assert!(said.contains("relay") && !said.contains("0123456789"), "{said}");
    }
    for value in ["harbour", "Bearer eyJ0eXAi.e30.c2ln", "sk-", "risk-free delivery"] {
        let headers = object(&[("x-tenant", words(value)), ("x-none", Given::Nothing)]);
        assert_eq!(
            parse(&[("headers", headers)]).unwrap().headers,
            [("x-tenant".to_owned(), value.to_owned())]
        );
    }
    for (name, value) in [("x y", "a"), ("", "a"), ("x", "a\nb"), ("x", "ä")] {
        assert!(
            error(&[("headers", object(&[(name, words(value))]))]).contains("a header's name"),
            "{name} {value}"
        );
    }
}

#[test]
fn tokens_are_merged_one_by_one() {
    let tokens = |members: &[(&str, Given)]| object(&[("theme", object(&[("tokens", object(members))]))]);
    let first = GivenOptions::new(object(&[("site", words("site_demo"))])).unwrap();
    let first =
        first.merged(tokens(&[("panelWidth", Given::Number(420.0)), ("space", Given::Number(6.0))])).unwrap();
    let second = first.merged(tokens(&[("space", Given::Nothing), ("z", Given::Number(5.0))])).unwrap();
    let set: Vec<String> = second
        .parse()
        .unwrap()
        .theme
        .tokens
        .into_iter()
        .map(|token| token.property + "=" + &token.value)
        .collect();
    assert_eq!(set, ["--cw-panel-width=420px", "--cw-z=5"]);
}

#[test]
fn an_identity_is_a_jwt_or_a_function_and_a_wrong_one_is_not_repeated() {
    assert_eq!(
        parse(&[("identity", Given::Function)]).unwrap().config.identity,
        crate::engine::Identity::Asked
    );
    assert!(parse(&[("identity", words("a.b.c"))]).is_ok());
    let said = error(&[("identity", words("hunter2"))]);
    assert!(said.contains("\"identity\" must be a signed JWT") && !said.contains("hunter2"), "{said}");
}

#[test]
fn consent_and_expiry_have_few_forms() {
    use crate::engine::Consent;
    let consent = |given| parse(&[("consent", given)]).unwrap().config.consent;
    assert_eq!(consent(Given::Flag(true)), Consent::Given);
    assert_eq!(consent(Given::Flag(false)), Consent::Withheld);
    assert_eq!(consent(words("required")), Consent::Required);
    assert!(error(&[("consent", words("yes"))]).contains("true, false or \"required\""));
    for bad in [0.0, 0.5, -1.0, 600_000.0] {
        assert!(
            error(&[("expireMinutes", Given::Number(bad))]).contains("a whole number of minutes"),
            "{bad}"
        );
    }
}

#[test]
fn a_kiosk_keeps_nothing_and_keeps_it_apart() {
    let kiosk = |more: &[(&str, Given)]| {
        let mut all = vec![("mode", words("kiosk"))];
        all.extend_from_slice(more);
        parse(&all)
    };
    let options = kiosk(&[("persist", words("local")), ("namespace", words("left"))]).unwrap();
    assert_eq!(options.config.persist, crate::engine::Persist::Memory);
    assert!(options.config.without_history);
    assert_eq!(options.namespace.as_deref(), Some("kiosk-left"));
    let given = object(&[("idleSeconds", Given::Number(90.0)), ("links", words("qr"))]);
    let options = kiosk(&[("kiosk", given)]).unwrap();
    assert_eq!(options.config.kiosk.idle_ms, 90_000);
    assert_eq!(
        (options.config.kiosk.warn_ms, options.config.kiosk.links),
        (20_000, crate::engine::Links::Qr)
    );
}

#[test]
fn what_a_kiosk_cannot_be_asked_for_is_named() {
    let refused =
        |key: &str, given: Given| error(&[("mode", words("kiosk")), ("kiosk", object(&[(key, given)]))]);
    assert!(
        refused("warnSeconds", Given::Number(5.0)).contains("\"kiosk.warnSeconds\" must be a whole number")
    );
    assert!(refused("links", words("open")).contains("\"kiosk.links\" must be \"block\" or \"qr\""));
    assert!(refused("link", words("qr")).contains("Did you mean \"kiosk.links\"?"));
    let secret = refused("device", words("not a key"));
    assert!(!secret.contains("not a key"), "{secret}");
    let elsewhere = error(&[("kiosk", object(&[]))]);
    assert!(elsewhere.contains("mode: \"kiosk\""), "{elsewhere}");
}

#[test]
fn files_can_be_left_out_and_cannot_be_asked_for_without_a_relay() {
    assert!(!parse(&[]).unwrap().config.without_files);
    for flag in [true, false] {
        let options = parse(&[("attachments", Given::Flag(flag))]).unwrap();
        assert_eq!(options.config.without_files, !flag);
    }
    let direct =
        |flag| parse(&[("api", words("https://a.example/chat")), ("attachments", Given::Flag(flag))]);
    assert!(direct(false).is_ok());
    let refused = direct(true).unwrap_err().to_string();
    assert!(refused.contains("\"attachments\" must be false or left out with api"), "{refused}");
}
