//! Who uses what, and what nobody does.

use super::*;

fn set(names: &[&str]) -> HashSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn owned(reach: &Reach, doors: &[&[&str]], bases: &[Option<usize>], kept: &[&str]) -> Vec<Owned> {
    let doors: Vec<HashSet<String>> = doors.iter().map(|doors| set(doors)).collect();
    let entries = doors.iter().zip(bases).map(|(doors, base)| Entries { doors, base: *base });
    reach.owned(&entries.collect::<Vec<_>>(), &set(kept))
}

#[test]
fn what_parts_use_belongs_to_the_one_that_is_there_before_the_others() {
    let names = ["run", "a", "b", "c", "all", "later"];
    let calls = [
        ("run", "a"),
        ("run", "b"),
        ("run", "c"),
        ("a", "all"),
        ("b", "all"),
        ("c", "all"),
        ("b", "later"),
        ("c", "later"),
    ];
    let reach = Reach::told(&names, &calls, &["run"], &[]);
    let owned = owned(&reach, &[&["b"], &["a"], &["c"]], &[Some(1), None, Some(1)], &[]);
    let functions: Vec<_> = owned.into_iter().map(|own| own.functions).collect();
    assert_eq!(functions, [set(&["b"]), set(&["a", "all"]), set(&["c"])]);
}

#[test]
fn what_two_parts_use_belongs_to_neither_and_is_shared() {
    let names = ["run", "a", "b", "both", "only"];
    let calls = [("run", "a"), ("run", "b"), ("a", "both"), ("b", "both"), ("b", "only")];
    let reach = Reach::told(&names, &calls, &["run"], &[]);
    let owned = owned(&reach, &[&["a"], &["b"]], &[None, None], &[]);
    assert_eq!(owned[0].functions, set(&["a"]));
    assert_eq!(owned[1].functions, set(&["b", "only"]));
    assert!(owned.iter().all(|own| own.common == set(&["both"])));
}

#[test]
fn what_is_kept_keeps_what_it_uses() {
    let calls = [("run", "a"), ("a", "b"), ("b", "c")];
    let reach = Reach::told(&["run", "a", "b", "c"], &calls, &["run"], &[("c", 4..8)]);
    let owned = owned(&reach, &[&["a"]], &[None], &["b"]);
    assert_eq!(owned[0], Owned { functions: set(&["a"]), ..Owned::default() });
}

#[test]
fn bytes_that_another_constant_shares_stay() {
    let reach =
        Reach::told(&["run", "a"], &[("run", "a")], &["run"], &[("a", 0..8), ("run", 4..6), ("a", 20..22)]);
    assert_eq!(owned(&reach, &[&["a"]], &[None], &[])[0].constants, [0..4, 6..8, 20..22]);
}

#[test]
fn what_nothing_reaches_is_found_with_what_it_alone_reads() {
    let names = ["run", "a", "lost", "vain", "b"];
    let constants = [("run", 0..4), ("lost", 2..8), ("vain", 8..9)];
    let calls = [("run", "a"), ("lost", "a"), ("vain", "b"), ("vain", "a")];
    let reach = Reach::told(&names, &calls, &["run", "vain"], &constants);
    let unreached = reach.unreached(|export| export == "vain");
    assert_eq!(unreached.functions, set(&["lost", "vain", "b"]));
    assert_eq!((unreached.constants.len(), unreached.constants.first()), (1, Some(&(4..9))));
    assert_eq!(reach.unreached(|_| false).functions, set(&["lost"]));
}

#[test]
fn what_leads_up_to_a_call_begins_where_the_code_could_have_gone_elsewhere() {
    let mut function = wasm_encoder::Function::new([]);
    let mut code = function.instructions();
    code.i32_const(1).drop().i32_const(0).i32_const(7).i32_store(wasm_encoder::MemArg {
        offset: 0,
        align: 2,
        memory_index: 0,
    });
    code.call(3).end();
    let mut bytes = Vec::new();
    wasm_encoder::Encode::encode(&function, &mut bytes);
    let body = FunctionBody::new(wasmparser::BinaryReader::new(&bytes[1..], 0));
    let [(run, called)] = &calls(&body).expect("calls")[..] else { panic!("one call") };
    assert_eq!(*called, 3);
    // Behind `drop`, of which it is not known that nobody notices it.
    assert_eq!(bytes[1 + run.start], 0x41);
    assert_eq!(bytes[1 + run.end], 0x10);
    assert_eq!(bytes[1 + run.start..].iter().take(4).copied().collect::<Vec<_>>(), [0x41, 0, 0x41, 7]);
}

#[test]
fn a_module_without_the_linkers_list_is_refused() {
    let bare = walrus::Module::default().emit_wasm();
    assert!(Reach::read(&bare, |_| false).is_err());
}
