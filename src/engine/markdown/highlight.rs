//! Light colouring of code: keywords, strings, comments and numbers. No
//! grammar, only what a reader's eye needs, by one scanner for all languages
//! and one row of a table for each.

use std::ops::Range;

/// What a part of a line is. Everything that is not named is plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// A word of the language, a tag of markup, or the key of a setting.
    Keyword,
    /// A string or character literal.
    String,
    /// A comment.
    Comment,
    /// A number.
    Number,
}

/// Colours code line by line, so that code which is still arriving is coloured
/// at the cost of its last line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highlighter {
    language: &'static Language,
    /// What an earlier line has opened, and what ends it.
    open: Option<(Token, &'static str)>,
}

impl Highlighter {
    /// A highlighter for a language as it is named after a fence, in any case;
    /// nothing for one that is not known.
    pub fn new(language: &str) -> Option<Self> {
        let language = find(language).filter(|language| language.quotes != NONE)?;
        Some(Self { language, open: None })
    }

    /// The coloured parts of the next line, in order, by bytes of that line;
    /// what lies between them is plain.
    pub fn line(&mut self, line: &str) -> Vec<(Token, Range<usize>)> {
        let mut parts = Vec::new();
        let mut at = 0;
        while at < line.len() {
            let (token, end) = self.next(line, at);
            // A character that nothing is said about is stepped over.
            let width = line.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            let end = if end > at { end.min(line.len()) } else { at + width };
            if let Some(token) = token {
                parts.push((token, at..end));
            }
            at = end;
        }
        parts
    }

    fn next(&mut self, line: &str, at: usize) -> (Option<Token>, usize) {
        if let Some((token, closing)) = self.open {
            return (Some(token), self.close(line, at, token, closing));
        }
        let Language { comments, quotes, keywords, keys, .. } = self.language;
        let rest = line.get(at..).unwrap_or_default();
        let before = line.get(..at).unwrap_or_default().bytes().next_back().unwrap_or(b' ');
        for &(opening, closing) in *comments {
            // `#` is a comment only where a word could begin: not in `$#`.
            if rest.starts_with(opening) && (opening != "#" || before.is_ascii_whitespace()) {
                self.open = Some((Token::Comment, closing));
                return (Some(Token::Comment), self.close(line, at + opening.len(), Token::Comment, closing));
            }
        }
        for quote in quotes.split(' ').filter(|quote| rest.starts_with(quote) && !quote.is_empty()) {
            if quote == "'" && self.language.name == "Rust" && !is_character(rest) {
                continue;
            }
            self.open = Some((Token::String, quote));
            return (Some(Token::String), self.close(line, at + quote.len(), Token::String, quote));
        }
        let length = rest.bytes().take_while(|&byte| is_word(byte)).count();
        let Some(first) = rest.bytes().next().filter(|_| length > 0) else { return (None, at) };
        let end = at + length;
        if first.is_ascii_digit() {
            let fraction = rest.get(length..).and_then(|rest| rest.strip_prefix('.')).map_or(0, |rest| {
                let digits = rest.bytes().take_while(|&byte| is_word(byte)).count();
                if rest.starts_with(|first: char| first.is_ascii_digit()) { digits + 1 } else { 0 }
            });
            return (Some(Token::Number), end + fraction);
        }
        let word = rest.get(..length).unwrap_or_default();
        let is_keyword = match *keys {
            Keys::None => contains(keywords, word),
            Keys::Tags => {
                before == b'<' || (before == b'/' && line.get(..at).is_some_and(|l| l.ends_with("</")))
            }
            Keys::At => before == b'@',
            Keys::Before(mark) => {
                let starts =
                    line.get(..at).is_some_and(|text| text.trim_start_matches([' ', '-']).is_empty());
                contains(keywords, word) || (starts && rest.get(length..).is_some_and(|r| key_ends(r, mark)))
            }
        };
        (is_keyword.then_some(Token::Keyword), end)
    }

    /// Where what is open ends in this line.
    fn close(&mut self, line: &str, from: usize, token: Token, closing: &str) -> usize {
        let mut at = from;
        while at < line.len() && !closing.is_empty() {
            let rest = line.as_bytes().get(at..).unwrap_or_default();
            if token == Token::String && rest.starts_with(b"\\") {
                at += 1;
            } else if rest.starts_with(closing.as_bytes()) {
                self.open = None;
                return at + closing.len();
            }
            at += 1;
        }
        // A comment to the end of the line ends there, and so does a string of
        // simple quotes: one stray apostrophe must not colour all that follows.
        if closing.len() < 2 && closing != "`" {
            self.open = None;
        }
        line.len()
    }
}

/// The name of a language as people write it; the name itself for one that is
/// not known.
pub fn display_name(language: &str) -> &str {
    find(language).map_or(language, |language| language.name)
}

fn find(name: &str) -> Option<&'static Language> {
    let mut lower = name.to_owned();
    lower.make_ascii_lowercase();
    LANGUAGES.iter().find(|language| contains(language.aliases, &lower))
}

fn contains(words: &str, word: &str) -> bool {
    let lower = || words.split(' ').any(|candidate| candidate.eq_ignore_ascii_case(word));
    words.split(' ').any(|candidate| candidate == word) || (words.starts_with("select ") && lower())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a quote begins a character and not a lifetime.
fn is_character(rest: &str) -> bool {
    let mut characters = rest.chars().skip(1);
    characters.next() == Some('\\') || characters.next() == Some('\'')
}

fn key_ends(rest: &str, mark: char) -> bool {
    let rest = rest.trim_start_matches(|character: char| {
        character == '-' || character == '.' || character.is_ascii_alphanumeric()
    });
    rest.trim_start_matches(' ').starts_with(mark)
}

/// What the scanner knows of a language.
#[derive(Debug, PartialEq, Eq)]
struct Language {
    /// What it is called after a fence, in lower case.
    aliases: &'static str,
    name: &'static str,
    /// What opens a comment and what ends it; nothing for the line's end.
    comments: &'static [(&'static str, &'static str)],
    /// The longer ones first. Quotes of more than one character, and
    /// backticks, reach over lines.
    quotes: &'static str,
    keywords: &'static str,
    keys: Keys,
}

/// Which words count besides the keywords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    None,
    /// Names of tags.
    Tags,
    /// Words after an `@`.
    At,
    /// Words at the start of a line, before a mark.
    Before(char),
}

const SLASH: &[(&str, &str)] = &[("//", ""), ("/*", "*/")];
const HASH: &[(&str, &str)] = &[("#", "")];
const BOTH: &str = "\" '";
/// Known by name, and plain.
const NONE: &str = "-";

const fn language(
    aliases: &'static str,
    name: &'static str,
    comments: &'static [(&'static str, &'static str)],
    quotes: &'static str,
    keywords: &'static str,
) -> Language {
    Language { aliases, name, comments, quotes, keywords, keys: Keys::None }
}

const fn with_keys(mut language: Language, keys: Keys) -> Language {
    language.keys = keys;
    language
}

const SCRIPT: &str = "async await break case catch class const continue default delete do else enum export extends \
false finally for from function if implements import in instanceof interface let new null of return static super \
switch this throw true try type typeof undefined var void while yield as declare namespace readonly abstract \
private public protected";
const CURLY: &str = "auto bool boolean break byte case catch char class const continue default delegate delete do \
double else enum explicit extends extern false final finally float for foreach fun goto if implements import in \
inline instanceof int interface internal is lock long mutable namespace new null nullptr operator out override \
package private protected public readonly record return sealed short signed sizeof static string struct super \
switch template this throw throws true try typedef typename union unsigned using val var virtual void volatile \
when while yield async await";

static LANGUAGES: [Language; 22] = [
    language("js javascript jsx mjs cjs node", "JavaScript", SLASH, "\" ' `", SCRIPT),
    language("ts typescript tsx", "TypeScript", SLASH, "\" ' `", SCRIPT),
    language(
        "py python python3",
        "Python",
        HASH,
        "\"\"\" ''' \" '",
        "and as assert async await break class continue def del elif else except False finally for from global if \
         import in is lambda match None nonlocal not or pass raise return self True try while with yield",
    ),
    language(
        "rs rust",
        "Rust",
        SLASH,
        BOTH,
        "as async await box break const continue crate dyn else enum extern false fn for if impl in let loop match \
         mod move mut pub ref return self Self static struct super trait true type unsafe use where while",
    ),
    language(
        "go golang",
        "Go",
        SLASH,
        "\" ' `",
        "break case chan const continue default defer else fallthrough false for func go goto if import interface \
         map nil package range return select struct switch true type var",
    ),
    language("java", "Java", SLASH, "\"\"\" \" '", CURLY),
    language("kt kotlin", "Kotlin", SLASH, "\"\"\" \" '", CURLY),
    language("c h", "C", SLASH, BOTH, CURLY),
    language("cpp c++ cc hpp cxx", "C++", SLASH, BOTH, CURLY),
    language("cs csharp c#", "C#", SLASH, "\"\"\" \" '", CURLY),
    language(
        "swift",
        "Swift",
        SLASH,
        "\"\"\" \"",
        "as break case class continue default defer do else enum extension \
         false fileprivate for func guard if import in init internal is let nil private protocol public return self \
         static struct super switch throw throws true try var where while",
    ),
    language(
        "php",
        "PHP",
        &[("//", ""), ("/*", "*/"), ("#", "")],
        BOTH,
        "abstract array as break case catch class const continue default do echo else elseif extends false final fn \
         for foreach function global if implements include interface namespace new null private protected public \
         require return static switch this throw true try use var while",
    ),
    language(
        "rb ruby",
        "Ruby",
        HASH,
        BOTH,
        "and begin break case class def do else elsif end ensure false for if in module next nil not or redo \
         require rescue retry return self super then true undef unless until when while yield",
    ),
    language(
        "sh bash shell zsh console shellscript",
        "Shell",
        HASH,
        BOTH,
        "case do done elif else esac export fi for function if in local return set then until while cd echo exit \
         source sudo",
    ),
    language(
        "sql postgres postgresql mysql sqlite",
        "SQL",
        &[("--", ""), ("/*", "*/")],
        BOTH,
        "select add all alter and as asc between by case check column constraint create cross database default \
         delete desc distinct drop else end exists foreign from full group having if in index inner insert into is \
         join key left like limit not null offset on or order outer primary references returning right set table \
         then union unique update using values view when where with",
    ),
    language("json jsonc json5", "JSON", SLASH, "\"", "true false null"),
    with_keys(language("yaml yml", "YAML", HASH, BOTH, "true false null yes no"), Keys::Before(':')),
    with_keys(language("toml ini", "TOML", HASH, "\"\"\" ''' \" '", "true false"), Keys::Before('=')),
    with_keys(language("html xml svg vue svelte xhtml", "HTML", &[("<!--", "-->")], "\"", ""), Keys::Tags),
    with_keys(language("css scss less", "CSS", &[("/*", "*/")], BOTH, ""), Keys::At),
    language("md markdown", "Markdown", &[], NONE, ""),
    language("text txt plain plaintext", "Text", &[], NONE, ""),
];

#[cfg(test)]
mod tests {
    use super::Token::{Comment, Keyword, Number, String};
    use super::*;

    /// The coloured parts with their text.
    fn parts<'a>(language: &str, code: &'a str) -> Vec<(Token, &'a str)> {
        let mut highlighter = Highlighter::new(language).expect("a known language");
        code.lines()
            .flat_map(|line| {
                highlighter.line(line).into_iter().map(move |(token, range)| (token, &line[range]))
            })
            .collect()
    }

    #[test]
    fn each_kind_of_part_is_found() {
        assert_eq!(
            parts("js", "let a1 = 0x1f + 1.5; // it's\nf(\"a\\\"b\", 'c')"),
            [
                (Keyword, "let"),
                (Number, "0x1f"),
                (Number, "1.5"),
                (Comment, "// it's"),
                (String, "\"a\\\"b\""),
                (String, "'c'")
            ]
        );
        assert_eq!(parts("SQL", "SELECT a -- b"), [(Keyword, "SELECT"), (Comment, "-- b")]);
        assert_eq!(
            parts("json", "{\"a\": [1, true]}"),
            [(String, "\"a\""), (Number, "1"), (Keyword, "true")]
        );
        assert_eq!(
            parts("yaml", "a-b: 1 # c\n- d: true"),
            [(Keyword, "a"), (Number, "1"), (Comment, "# c"), (Keyword, "d"), (Keyword, "true")]
        );
        assert_eq!(parts("html", "<a href=\"b\"></a>"), [(Keyword, "a"), (String, "\"b\""), (Keyword, "a")]);
        assert_eq!(parts("css", "@media a { b: 1px }"), [(Keyword, "media"), (Number, "1px")]);
        assert_eq!(parts("sh", "echo $# # x"), [(Keyword, "echo"), (Comment, "# x")]);
    }

    #[test]
    fn a_lifetime_is_no_string() {
        assert_eq!(parts("rust", "fn f<'a>(c: 'x')"), [(Keyword, "fn"), (String, "'x'")]);
        assert_eq!(parts("rust", "'\\''"), [(String, "'\\''")]);
    }

    #[test]
    fn comments_and_long_strings_reach_over_lines_and_short_ones_do_not() {
        assert_eq!(parts("c", "/* a\nb */ int"), [(Comment, "/* a"), (Comment, "b */"), (Keyword, "int")]);
        assert_eq!(parts("py", "'''a\nb''' if"), [(String, "'''a"), (String, "b'''"), (Keyword, "if")]);
        assert_eq!(parts("js", "`a\nb` if"), [(String, "`a"), (String, "b`"), (Keyword, "if")]);
        assert_eq!(parts("js", "don't\nif"), [(String, "'t"), (Keyword, "if")]);
    }

    #[test]
    fn parts_lie_on_the_bounds_of_characters() {
        for language in &LANGUAGES {
            let name = language.aliases.split(' ').next().unwrap();
            if let Some(mut highlighter) = Highlighter::new(name) {
                for line in ["é = \"ü\\ö\" # ñ", "<ä b='日本'>", "/* 🎉", "'é' \\", "\\日"] {
                    for (_, range) in highlighter.line(line) {
                        assert!(line.get(range).is_some(), "{name}: {line}");
                    }
                }
            }
        }
    }

    #[test]
    fn names_are_shown_as_people_write_them() {
        assert_eq!(display_name("js"), "JavaScript");
        assert_eq!(display_name("C++"), "C++");
        assert_eq!(display_name("brainfuck"), "brainfuck");
        assert!(Highlighter::new("text").is_none() && Highlighter::new("").is_none());
    }
}
