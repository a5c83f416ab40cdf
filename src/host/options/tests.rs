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
        "option \"theme.acent\" is not known. Did you mean \"theme.accent\"? Known here: accent, colorScheme, radius"
    );
    assert!(
        error(&[("colour", words("red"))]).starts_with("option \"colour\" is not known. Known here: site,")
    );
    assert!(error(&[("zindex", Given::Number(1.0))]).contains("Did you mean \"zIndex\"?"));
}

#[test]
fn a_wrong_value_is_named_with_what_is_allowed() {
    let cases: [(&str, Given, &str); 13] = [
        ("site", words("demo"), "not \"demo\""),
        (
            "position",
            words("middle"),
            "\"bottom-right\", \"bottom-left\", \"top-right\" or \"top-left\", not",
        ),
        ("history", words("no"), "must be true or false, not \"no\""),
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
