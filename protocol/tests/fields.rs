//! Members are cut as `serde_json` itself would cut them.

use chinwag_protocol::Fields;
use proptest::prelude::*;
use serde_json::{Map, Value};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no infinities", |number| number.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        r#"[\\"{}\[\],:\u{0}-\u{1f}😀]{0,8}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn members_are_those_of_serde_json(
        before in value(),
        text in any::<String>(),
        texts in prop::collection::vec(any::<String>(), 0..4),
        number in any::<u64>(),
        after in value(),
        pretty in any::<bool>(),
    ) {
        let mut object = Map::new();
        object.insert("before".into(), before.clone());
        object.insert("text".into(), text.clone().into());
        object.insert("texts".into(), texts.clone().into());
        object.insert("number".into(), number.into());
        object.insert("after".into(), after.clone());
        let json = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) };
        let json = json.unwrap();
        let fields = Fields::parse(&json).unwrap();
        prop_assert_eq!(fields.need_text("text").unwrap(), text);
        prop_assert_eq!(fields.texts("texts").unwrap(), texts);
        prop_assert_eq!(fields.number("number").unwrap(), Some(number));
        for (name, whole) in [("before", before), ("after", after)] {
            let carried = fields.json(name).map(|json| json.as_str().to_owned());
            let carried = carried.map_or(Value::Null, |json| serde_json::from_str(&json).unwrap());
            // Numbers are compared as they are written: reading one twice may round it.
            prop_assert_eq!(carried.to_string(), serde_json::from_str::<Value>(&whole.to_string()).unwrap().to_string());
        }
    }

    #[test]
    fn what_serde_json_refuses_is_refused_and_nothing_panics(text in r#"[\\"{}\[\],: nul0-9a]{0,24}"#) {
        let is_object = serde_json::from_str::<Map<String, Value>>(&text).is_ok();
        if is_object {
            prop_assert!(Fields::parse(&text).is_ok());
        } else if serde_json::from_str::<Value>(&text).is_err() && serde_json::from_str::<&serde_json::value::RawValue>(&text).is_err() {
            prop_assert!(Fields::parse(&text).is_err());
        }
    }
}
