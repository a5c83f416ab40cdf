//! Shortens the names by which the module and its glue know each other.
//!
//! wasm-bindgen gives each imported function and each closure a name with a
//! hash of 16 digits, which is there twice, in the module and in the glue, and
//! does not compress. No one else uses these names.

use std::collections::HashMap;
use walrus::Module;

/// Shortens them in the module, and gives the glue that fits it.
pub fn shorten(module: &mut Module, glue: &str) -> String {
    let mut short = HashMap::new();
    let mut shorten = |name: &mut String| {
        if is_hashed(name) {
            let next = format!("_{}", short.len());
            name.clone_from(short.entry(name.clone()).or_insert(next));
        }
    };
    module.imports.iter_mut().for_each(|import| shorten(&mut import.name));
    module.exports.iter_mut().for_each(|export| shorten(&mut export.name));
    renamed(glue, &short)
}

/// Whether a name ends in a hash: 16 hexadecimal digits, behind `_` or `_h`.
fn is_hashed(name: &str) -> bool {
    name.rsplit_once('_').is_some_and(|(before, last)| {
        let digits = last.strip_prefix('h').unwrap_or(last);
        before.len() > 2 && digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// The text with whole words replaced.
fn renamed(text: &str, short: &HashMap<String, String>) -> String {
    let is_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|character| !is_word(character)).unwrap_or(from.len()));
        out.push_str(before);
        out.push_str(short.get(word).map_or(word, String::as_str));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_hash_are_shortened_in_both() {
        let mut module = Module::default();
        let kind = module.types.add(&[], &[]);
        let (function, _) = module.add_import_func("./glue.js", "__wbg_new_617a8cdb8bb1130e", kind);
        module.exports.add("invoke__h30311f475747cd06", function);
        module.exports.add("mount", function);
        let glue =
            "__wbg_new_617a8cdb8bb1130e: f, x__wbg_new_617a8cdb8bb1130e(wasm.invoke__h30311f475747cd06)";
        assert_eq!(shorten(&mut module, glue), "_0: f, x__wbg_new_617a8cdb8bb1130e(wasm._1)");
        assert!(module.imports.iter().any(|import| import.name == "_0"));
        let exports: Vec<_> = module.exports.iter().map(|export| export.name.as_str()).collect();
        assert_eq!(exports, ["_1", "mount"]);
    }

    #[test]
    fn other_names_stay() {
        for name in ["mount", "handle_open", "__wbindgen_start", "__wbindgen_malloc", "_617a8cdb8bb1130e"] {
            assert!(!is_hashed(name), "{name}");
        }
    }
}
