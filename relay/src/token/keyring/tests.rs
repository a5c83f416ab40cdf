//! What a token says, and everything that makes one worthless.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;

const ORIGIN: &str = "https://shop.example";

fn keyring() -> Keyring {
    Keyring::build(SigningKey::generate().unwrap()).unwrap()
}

fn visitor() -> VerifiedVisitor {
    VerifiedVisitor::new(SiteKey::parse("site_demo").unwrap())
}

fn access(keyring: &Keyring, visitor: &VerifiedVisitor, now: SystemTime) -> String {
    keyring.issue_access(Grant { visitor, origin: ORIGIN, life: ACCESS_LIFE }, now).unwrap()
}

/// A token of our key with any header and claims.
fn forge(keyring: &Keyring, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let keys = keyring.keys();
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), keys.signing.signing(), Algorithm::EdDSA).unwrap();
    format!("{message}.{signature}")
}

fn good(keyring: &Keyring) -> (Value, Value) {
    let mut claims = keyring.claims(Kind::Access, &visitor(), ACCESS_LIFE, SystemTime::now());
    claims.org = Some(ORIGIN.to_owned());
    let header = json!({"alg": "EdDSA", "typ": "cw-at+jwt", "kid": keyring.kid()});
    (header, serde_json::to_value(claims).unwrap())
}

fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[test]
fn a_token_says_what_was_put_into_it() {
    let (keyring, visitor) = (keyring(), visitor().on_device(Some("d1".to_owned())));
    let token = access(&keyring, &visitor, SystemTime::now());
    let claims = keyring.verify_access(&token).unwrap();
    assert_eq!((claims.visitor(), claims.site()), (visitor.visitor(), visitor.site()));
    assert_eq!((claims.origin(), claims.session()), (ORIGIN, visitor.family()));
    let told = claims_of(&token);
    assert_eq!((told["jti"].as_str(), told["dev"].as_str()), (Some(claims.id()), Some("d1")));
    assert_eq!(told["exp"].as_u64(), Some(claims.expires_at()));
    let token = keyring.issue_visitor(&visitor.clone().advanced_to(7), SystemTime::now()).unwrap();
    let kept = keyring.verify_visitor(&token).unwrap();
    assert_eq!((kept.owner(), kept.family()), (visitor.owner(), visitor.family()));
    assert_eq!((kept.generation(), kept.device(), kept.is_user()), (7, Some("d1"), false));
    assert_eq!(Some(kept.issued_at()), claims_of(&token)["iat"].as_u64());
    assert!(!kept.was_proven_within(Duration::MAX, SystemTime::now()));
}

#[test]
fn a_user_is_told_apart_and_how_long_ago_they_were_named() {
    let (keyring, now) = (keyring(), SystemTime::now());
    let user = VerifiedVisitor::of_user(visitor().owner(), now);
    let kept = keyring.verify_visitor(&keyring.issue_visitor(&user, now).unwrap()).unwrap();
    assert!(kept.is_user());
    assert!(kept.was_proven_within(Duration::from_mins(1), now + Duration::from_mins(1)));
    assert!(!kept.was_proven_within(Duration::from_mins(1), now + Duration::from_secs(61)));
    let later = now + Duration::from_secs(61);
    assert!(kept.proven(later).was_proven_within(Duration::from_mins(1), later));
}

#[test]
fn a_life_is_as_long_as_was_asked_for_and_an_hour_at_most() {
    let (keyring, visitor) = (keyring(), visitor());
    for (life, given) in [(60, 60), (3600, 3600), (3601, 3600)] {
        let grant = Grant { visitor: &visitor, origin: ORIGIN, life: Duration::from_secs(life) };
        let token = keyring.issue_access(grant, SystemTime::now()).unwrap();
        assert!(keyring.verify_access(&token).is_ok());
        let claims = claims_of(&token);
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), given);
    }
}

#[test]
fn one_kind_of_token_never_passes_for_the_other() {
    let (keyring, visitor) = (keyring(), visitor());
    let kept = keyring.issue_visitor(&visitor, SystemTime::now()).unwrap();
    assert_eq!(keyring.verify_visitor(&access(&keyring, &visitor, SystemTime::now())), Err(TokenError::Kind));
    assert_eq!(keyring.verify_access(&kept), Err(TokenError::Kind));
    // Nor with the claims of the one under the name of the other.
    let (header, claims) = good(&keyring);
    let mut disguised = header.clone();
    disguised["typ"] = json!("cw-vt+jwt");
    assert!(keyring.verify_visitor(&forge(&keyring, &disguised, &claims)).is_err());
    let mut addressed = claims.clone();
    addressed["aud"] = json!("chinwag-relay/token");
    let error = keyring.verify_visitor(&forge(&keyring, &disguised, &addressed)).unwrap_err();
    assert_eq!(error, missing("gen"));
}

#[test]
fn another_relays_token_is_not_known_here() {
    let (ours, theirs) = (keyring(), keyring());
    let token = access(&theirs, &visitor(), SystemTime::now());
    assert_eq!(ours.verify_access(&token), Err(TokenError::UnknownKey));
}

#[test]
fn the_forge_of_these_tests_makes_tokens_that_hold() {
    let keyring = keyring();
    let (header, claims) = good(&keyring);
    assert!(keyring.verify_access(&forge(&keyring, &header, &claims)).is_ok());
}

#[test]
fn a_header_with_anything_but_its_three_fields_is_refused() {
    let keyring = keyring();
    let (header, claims) = good(&keyring);
    for field in ["jku", "jwk", "x5u", "x5c", "crit", "zip", "b64", "cty"] {
        let mut header = header.clone();
        header[field] = json!("x");
        let token = forge(&keyring, &header, &claims);
        assert_eq!(keyring.verify_access(&token), Err(TokenError::Malformed), "{field}");
    }
    for (field, value, error) in [
        ("alg", "none", TokenError::Kind),
        ("alg", "HS256", TokenError::Kind),
        ("alg", "eddsa", TokenError::Kind),
        ("typ", "JWT", TokenError::Kind),
        ("typ", "cw-vt+jwt", TokenError::Kind),
        ("kid", "other", TokenError::UnknownKey),
        ("kid", "../../etc/passwd", TokenError::UnknownKey),
    ] {
        let mut header = header.clone();
        header[field] = json!(value);
        let token = forge(&keyring, &header, &claims);
        assert_eq!(keyring.verify_access(&token), Err(error), "{field} {value}");
    }
    for (field, error) in
        [("alg", TokenError::Malformed), ("typ", TokenError::Kind), ("kid", TokenError::UnknownKey)]
    {
        let mut header = header.clone();
        header.as_object_mut().unwrap().remove(field);
        assert_eq!(keyring.verify_access(&forge(&keyring, &header, &claims)), Err(error), "no {field}");
    }
}

#[test]
fn claims_that_are_missing_wrong_or_of_another_type_are_refused() {
    let keyring = keyring();
    let (header, claims) = good(&keyring);
    for name in ["iss", "aud", "sub", "site", "org", "sid", "jti", "iat", "nbf", "exp", "ver"] {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        assert!(keyring.verify_access(&forge(&keyring, &header, &claims)).is_err(), "without {name}");
    }
    let now = seconds(SystemTime::now());
    for (name, value) in [
        ("iss", json!("someone")),
        ("aud", json!("chinwag-relay/token")),
        ("exp", json!((now + 60).to_string())),
        ("exp", json!(now + 61 * 60)),
        ("exp", json!(-1)),
        ("nbf", json!(now + 60)),
        ("nbf", json!("soon")),
        ("iat", json!(now + 60)),
        ("ver", json!(0)),
        ("ver", json!(2)),
        ("admin", json!(true)),
    ] {
        let mut claims = claims.clone();
        claims[name] = value.clone();
        assert!(keyring.verify_access(&forge(&keyring, &header, &claims)).is_err(), "{name} = {value}");
    }
    // The clocks of two machines may differ by half a minute.
    let mut early = claims.clone();
    for name in ["iat", "nbf"] {
        early[name] = json!(now + 20);
    }
    assert!(keyring.verify_access(&forge(&keyring, &header, &early)).is_ok());
    let made = SystemTime::now();
    let token = access(&keyring, &visitor(), made);
    let behind = |before: u64| keyring.open(Kind::Access, &token, made - Duration::from_secs(before));
    assert!(behind(30).is_ok());
    assert!(matches!(behind(31), Err(TokenError::Invalid(why)) if why.contains("future")));
    let mut longest = claims.clone();
    longest["exp"] = json!(longest["iat"].as_u64().unwrap() + 3600);
    assert!(keyring.verify_access(&forge(&keyring, &header, &longest)).is_ok());
}

#[test]
fn an_expired_token_is_told_apart_only_if_its_signature_holds() {
    let keyring = keyring();
    let long_ago = SystemTime::now() - ACCESS_LIFE - LEEWAY - Duration::from_secs(2);
    let token = access(&keyring, &visitor(), long_ago);
    assert_eq!(keyring.verify_access(&token), Err(TokenError::Expired));
    let just_now = SystemTime::now() - ACCESS_LIFE - Duration::from_secs(10);
    assert!(keyring.verify_access(&access(&keyring, &visitor(), just_now)).is_ok(), "within the leeway");
    let forged = format!("{}AAAA", token.get(..token.len() - 4).unwrap());
    assert!(matches!(keyring.verify_access(&forged), Err(TokenError::Invalid(_))));
}

#[test]
fn who_stays_away_is_known_for_half_a_year() {
    let keyring = keyring();
    let after_days = |days: u64| {
        let left = SystemTime::now() - Duration::from_secs(days * 86_400);
        keyring.verify_visitor(&keyring.issue_visitor(&visitor(), left).unwrap()).map(|_| ())
    };
    assert_eq!((after_days(179), after_days(181)), (Ok(()), Err(TokenError::Expired)));
}

#[test]
fn a_token_that_was_seen_is_held_against_the_clock_and_its_signature_each_time() {
    let keyring = keyring();
    let now = SystemTime::now();
    let token = access(&keyring, &visitor(), now);
    let end = now + ACCESS_LIFE + LEEWAY;
    assert!(keyring.verify_access_at(&token, now).is_ok());
    assert!(keyring.verify_access_at(&token, end).is_ok());
    assert_eq!(keyring.verify_access_at(&token, end + Duration::from_secs(1)), Err(TokenError::Expired));
    let before = now - LEEWAY - Duration::from_secs(1);
    assert!(matches!(keyring.verify_access_at(&token, before), Err(TokenError::Invalid(_))));
    // The same claims, which are known by now, under another signature.
    let forged = format!("{}AAAA", token.get(..token.len() - 4).unwrap());
    assert!(matches!(keyring.verify_access_at(&forged, now), Err(TokenError::Invalid(_))));
    assert_eq!(keyring.verify_access_at(&token, now), keyring.verify_access(&token));
}

#[test]
fn what_is_not_a_token_is_refused() {
    let keyring = keyring();
    let token = access(&keyring, &visitor(), SystemTime::now());
    let padded = token.replacen('.', "=.", 1);
    let long = format!("{token}{}", "A".repeat(4096));
    for bad in ["", ".", "..", "a.b", "a.b.c.d", "\u{0}.\u{0}.\u{0}", &padded, &long, &format!("{token}.")] {
        assert!(keyring.verify_access(bad).is_err(), "{bad:?}");
    }
}

type Change<'c> = &'c dyn Fn(&mut Revoked);

#[test]
fn what_was_revoked_is_refused_and_nothing_else() {
    let keyring = keyring();
    let revoked = |change: &dyn Fn(&mut Revoked)| {
        let mut revoked = Revoked::default();
        change(&mut revoked);
        keyring.set_revoked(revoked);
    };
    let (now, other) = (SystemTime::now(), visitor());
    let one = visitor().on_device(Some("d1".to_owned()));
    let tokens = [&one, &other].map(|visitor| access(&keyring, visitor, now));
    let kept = keyring.issue_visitor(&one, now).unwrap();
    let claims = keyring.verify_access(&tokens[0]).unwrap();
    let cases: [(&str, Change<'_>); 4] = [
        ("visitor", &|revoked| _ = revoked.visitors.insert(one.owner(), seconds(now))),
        ("session", &|revoked| _ = revoked.sessions.insert(one.family().to_owned())),
        ("token", &|revoked| _ = revoked.tokens.insert(claims.id().to_owned())),
        ("device", &|revoked| _ = revoked.devices.insert("d1".to_owned())),
    ];
    for (name, change) in cases {
        revoked(change);
        assert_eq!(keyring.verify_access(&tokens[0]), Err(TokenError::Revoked), "{name}");
        assert_eq!(keyring.check_again(&claims, now), Err(TokenError::Revoked), "{name}");
        assert!(keyring.verify_access(&tokens[1]).is_ok(), "{name}");
        let is_kept_refused = matches!(name, "session" | "device");
        assert_eq!(keyring.verify_visitor(&kept).is_err(), is_kept_refused, "{name}");
    }
    revoked(&|revoked| _ = revoked.visitors.insert(one.owner(), seconds(now) - 1));
    assert!(keyring.verify_access(&tokens[0]).is_ok(), "made after the revocation");
    revoked(&|revoked| _ = revoked.versions.insert(one.site().clone(), 2));
    for token in &tokens {
        assert_eq!(keyring.verify_access(token), Err(TokenError::Revoked));
    }
    assert_eq!(keyring.verify_visitor(&kept), Err(TokenError::Revoked));
    assert!(keyring.verify_access(&access(&keyring, &one, now)).is_ok(), "of the new version");
}

#[test]
fn whoever_was_revoked_this_second_may_begin_anew_at_once() {
    let keyring = keyring();
    let (now, user) = (SystemTime::now(), visitor());
    let old = access(&keyring, &user, now);
    let visitors = HashMap::from([(user.owner(), seconds(now))]);
    keyring.set_revoked(Revoked { visitors, ..Revoked::default() });
    assert_eq!(keyring.verify_access(&old), Err(TokenError::Revoked));
    assert!(keyring.verify_access(&access(&keyring, &user, now)).is_ok());
}

#[test]
fn a_token_is_checked_again_until_its_end() {
    let keyring = keyring();
    let now = SystemTime::now();
    let claims = keyring.verify_access(&access(&keyring, &visitor(), now)).unwrap();
    let end = ACCESS_LIFE + LEEWAY;
    assert_eq!(keyring.check_again(&claims, now + end), Ok(()));
    assert_eq!(keyring.check_again(&claims, now + end + Duration::from_secs(1)), Err(TokenError::Expired));
}

#[test]
fn a_retired_key_holds_for_what_it_signed_and_no_longer() {
    let (first, second) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let public = first.public().clone();
    let keyring = Keyring::build(first).unwrap();
    let now = SystemTime::now();
    let [before, within, after] =
        [0, 30, 31].map(|later| access(&keyring, &visitor(), now - Duration::from_secs(60 - later)));
    let retired = RetiredKey {
        kid: public.kid().to_owned(),
        public_key: public.bytes().to_vec(),
        retired_at: seconds(now) - 60,
    };
    keyring.replace_keys(second, &[retired]);
    assert_ne!(keyring.kid(), public.kid());
    assert!(keyring.verify_access(&before).is_ok());
    assert!(keyring.verify_access(&within).is_ok(), "the relay had not heard of it yet");
    assert!(matches!(keyring.verify_access(&after), Err(TokenError::Invalid(_))));
    assert!(keyring.verify_access(&access(&keyring, &visitor(), now)).is_ok());
    keyring.replace_keys(SigningKey::generate().unwrap(), &[]);
    assert_eq!(keyring.verify_access(&before), Err(TokenError::UnknownKey));
}

#[test]
fn keys_that_the_operator_names_are_accepted_through_a_rotation() {
    let old = SigningKey::generate().unwrap();
    let public = old.public().clone();
    let token = access(&Keyring::build(old).unwrap(), &visitor(), SystemTime::now());
    let keyring = Keyring::with_accepted(SigningKey::generate().unwrap(), vec![public]).unwrap();
    assert!(keyring.verify_access(&token).is_ok());
    keyring.replace_keys(SigningKey::generate().unwrap(), &[]);
    assert!(keyring.verify_access(&token).is_ok());
}

#[test]
fn a_keyring_does_not_show_its_key() {
    let keyring = keyring();
    let shown = format!("{keyring:?}");
    assert!(shown.contains(&keyring.kid()));
    assert!(!shown.contains("302e") && !shown.contains("PRIVATE"), "{shown}");
}
