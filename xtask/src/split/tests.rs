//! What goes where when a module is split.

use super::*;
use walrus::ValType;

/// `run` calls `door`, which calls `inner` and `shared` and points to
/// `pointed`; `run` calls `shared` too. At 8 stands a constant of the part.
fn module() -> Module {
    let mut module = Module::default();
    let memory = module.memories.add_local(false, false, 1, None, None);
    module.exports.add(MEMORY, memory);
    module.data.add(DataKind::Active { memory, offset: address(0) }, (1..=16).collect());
    let mut functions: Vec<FunctionId> = Vec::new();
    for (name, calls) in
        [("shared", &[][..]), ("inner", &[]), ("pointed", &[]), ("door", &[0, 1]), ("run", &[0, 3])]
    {
        let mut builder = FunctionBuilder::new(&mut module.types, &[ValType::I32], &[ValType::I32]);
        let argument = module.locals.add(ValType::I32);
        let mut body = builder.func_body();
        body.local_get(argument);
        for callee in calls {
            body.call(functions[*callee]);
        }
        let id = builder.finish(vec![argument], &mut module.funcs);
        module.funcs.get_mut(id).name = Some(name.to_owned());
        functions.push(id);
    }
    let table = module.tables.add_local(false, 3, Some(3), walrus::RefType::FUNCREF);
    let kind = ElementKind::Active { table, offset: address(1) };
    let element = module.elements.add(kind, ElementItems::Functions(vec![functions[2], functions[0]]));
    module.tables.get_mut(table).elem_segments.insert(element);
    module.exports.add("run", functions[4]);
    module
}

fn reach() -> Reach {
    let names = ["shared", "inner", "pointed", "door", "run"];
    let uses =
        [("run", "shared"), ("run", "door"), ("door", "inner"), ("door", "shared"), ("door", "pointed")];
    Reach::told(&names, &uses, &["run"], &[("inner", 8..12)])
}

fn split_it(doors: &[&str]) -> Result<(Module, Module)> {
    let split = split(&mut module(), &reach(), &[part("part", doors, None)])?;
    Ok((parse(&split.main)?, parse(&split.parts[0])?))
}

fn part(name: &str, doors: &[&str], base: Option<usize>) -> Plan {
    Plan { name: name.to_owned(), doors: doors.iter().map(|door| (*door).to_owned()).collect(), base }
}

fn names(module: &Module) -> Vec<String> {
    let local = module.funcs.iter_local().map(|(id, _)| module.funcs.get(id).name.clone());
    let mut names: Vec<String> = local.flatten().collect();
    names.sort();
    names
}

#[test]
fn what_only_the_part_uses_moves_and_its_entrance_becomes_a_call_through_the_table() {
    let (main, part) = split_it(&["door"]).expect("split");
    assert_eq!(names(&main), ["door", "run", "shared"]);
    assert_eq!(names(&part), ["door", "inner", "pointed"]);
    let table = main.tables.iter().next().expect("a table");
    assert_eq!(table.initial, 4);
    let filled: Vec<u32> = part.elements.iter().flat_map(filled).map(|(slot, _)| slot).collect();
    assert_eq!(filled, [1, 3], "the place of `pointed`, and a new one for `door`");
    let wanted: Vec<&str> = part.imports.iter().map(|import| import.name.as_str()).collect();
    for name in wanted {
        assert!(main.exports.iter().any(|export| export.name == name), "{name} is not given");
    }
}

#[test]
fn a_constant_moves_to_where_it_is_used_and_keeps_its_address() {
    let (main, part) = split_it(&["door"]).expect("split");
    let left = &main.data.iter().next().expect("data").value;
    assert_eq!(left, &[1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 13, 14, 15, 16]);
    let moved = part.data.iter().next().expect("data");
    assert_eq!(moved.value, [9, 10, 11, 12]);
    assert!(matches!(moved.kind, DataKind::Active { offset: ConstExpr::Value(Value::I32(8)), .. }));
}

#[test]
fn what_the_page_calls_by_another_way_stays() {
    let mut whole = module();
    let inner = whole.funcs.by_name("inner").expect("inner");
    whole.exports.add("inner", inner);
    let split = split(&mut whole, &reach(), &[part("part", &["door"], None)]).expect("split");
    let main = parse(&split.main).expect("a module");
    assert_eq!(names(&main), ["door", "inner", "run", "shared"]);
    assert_eq!(main.data.iter().next().expect("data").value[8], 9, "with what it reads");
}

#[test]
fn entrances_are_found_by_what_the_compiler_calls_them_and_missing_ones_are_named() {
    // `<part::Drawer as part::Lazy>::enter::<(), ..>`, as rustc mangles it.
    let door = "_RINvYNtNtNtCs0_7chinwag6engine4part6DrawerNtB5_4Lazy5enterupEB9_";
    let reach = Reach::told(&["run", door], &[("run", door)], &["run"], &[]);
    let of = |parts: &[&str]| plan(&reach, &declared(&format!("\nparts! {{\n{}\n}}", parts.join("\n")))?);
    assert_eq!(of(&["Drawer: lazy,"]).expect("a plan"), [part("Drawer", &[door], None)]);
    let error = of(&["Drawer: lazy,", "Rating: lazy,"]).expect_err("no entrance").to_string();
    assert!(error.contains("`Rating`"), "{error}");
    let error = of(&[]).expect_err("not declared").to_string();
    assert!(error.contains("`Drawer`"), "{error}");
    let error = of(&["Drawer: lazy on Nothing,"]).expect_err("no such part").to_string();
    assert!(error.contains("`Nothing`"), "{error}");
}

#[test]
fn what_a_part_and_one_made_upon_it_use_is_of_the_first_and_is_called_through_the_table() {
    let mut whole = module();
    let (inner, pointed) = (whole.funcs.by_name("inner"), whole.funcs.by_name("pointed"));
    let mut builder = FunctionBuilder::new(&mut whole.types, &[ValType::I32], &[ValType::I32]);
    let argument = whole.locals.add(ValType::I32);
    builder.func_body().local_get(argument).call(inner.expect("inner")).call(pointed.expect("pointed"));
    let upon = builder.finish(vec![argument], &mut whole.funcs);
    whole.funcs.get_mut(upon).name = Some("upon".to_owned());
    whole.exports.add("reach-upon", upon);
    let names = ["shared", "inner", "pointed", "door", "run", "upon"];
    let uses = [
        ("run", "shared"),
        ("run", "door"),
        ("door", "inner"),
        ("door", "pointed"),
        ("upon", "inner"),
        ("upon", "pointed"),
    ];
    let reach = Reach::told(&names, &uses, &["run"], &[("inner", 8..12)]);
    let plan = [part("base", &["door"], None), part("upon", &["upon"], Some(0))];
    let split = split(&mut whole, &reach, &plan).expect("split");
    let (base, upon) = (parse(&split.parts[0]).expect("base"), parse(&split.parts[1]).expect("upon"));
    assert_eq!(self::names(&base), ["door", "inner", "pointed"]);
    assert_eq!(self::names(&upon), ["upon"]);
    assert_eq!(base.data.iter().count(), 1, "with what it reads");
    let main = parse(&split.main).expect("main");
    for wanted in upon.imports.iter() {
        assert!(main.exports.iter().any(|export| export.name == wanted.name), "{} is not given", wanted.name);
    }
    let filled: Vec<u32> = base.elements.iter().flat_map(filled).map(|(slot, _)| slot).collect();
    assert!(filled.len() >= 4, "its entrance, what is pointed to, and the two that are called: {filled:?}");
}

/// The module in which `other`, which the page reaches by itself as well, is the
/// entrance of a second part that calls `inner`, or `pointed`.
fn split_in_two(callee: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
    let mut whole = module();
    let used = whole.funcs.by_name(callee).expect("a function");
    let mut builder = FunctionBuilder::new(&mut whole.types, &[ValType::I32], &[ValType::I32]);
    let argument = whole.locals.add(ValType::I32);
    builder.func_body().local_get(argument).call(used);
    let other = builder.finish(vec![argument], &mut whole.funcs);
    whole.funcs.get_mut(other).name = Some("other".to_owned());
    whole.exports.add("other", other);
    let calls = [
        ("run", "shared"),
        ("run", "door"),
        ("door", "inner"),
        ("door", "shared"),
        ("door", "pointed"),
        ("run", "other"),
        ("other", callee),
    ];
    let names = ["shared", "inner", "pointed", "door", "run", "other"];
    let reach = Reach::told(&names, &calls, &["run"], &[("inner", 8..12)]);
    let plan = [part("one", &["door"], None), part("two", &["other"], None)];
    let split = split(&mut whole, &reach, &plan).expect("split");
    let of = |bytes: &Vec<u8>| self::names(&parse(bytes).expect("a module"));
    (of(&split.main), of(&split.parts[0]), of(&split.parts[1]))
}

#[test]
fn what_two_parts_call_is_in_both() {
    let (main, one, two) = split_in_two("inner");
    assert_eq!(main, ["door", "other", "run", "shared"]);
    assert_eq!(one, ["door", "inner", "pointed"]);
    assert_eq!(two, ["inner", "other"]);
}

#[test]
fn what_two_parts_use_and_one_points_to_is_there_once() {
    let (main, one, two) = split_in_two("pointed");
    assert_eq!(main, ["door", "other", "pointed", "run", "shared"]);
    assert_eq!(one, ["door", "inner"]);
    assert_eq!(two, ["other"]);
}

#[test]
fn what_stands_between_a_part_and_the_page_is_in_the_part() {
    let mut whole = module();
    let kind = whole.types.add(&[ValType::I32], &[ValType::I32]);
    let (page, _) = whole.add_import_func("./glue.js", "_7", kind);
    let mut builder = FunctionBuilder::new(&mut whole.types, &[ValType::I32], &[ValType::I32]);
    let argument = whole.locals.add(ValType::I32);
    builder.func_body().local_get(argument).call(page);
    let adapter = builder.finish(vec![argument], &mut whole.funcs);
    whole.funcs.get_mut(adapter).name = Some("_7 externref shim".to_owned());
    let inner = whole.funcs.by_name("inner").expect("inner");
    let FunctionKind::Local(function) = &mut whole.funcs.get_mut(inner).kind else { panic!("imported") };
    function.builder_mut().func_body().call(adapter);
    let split = split(&mut whole, &reach(), &[part("part", &["door"], None)]).expect("split");
    let (main, part) = (parse(&split.main).expect("main"), parse(&split.parts[0]).expect("the part"));
    assert_eq!(names(&main), ["door", "run", "shared"]);
    assert!(names(&part).contains(&"_7 externref shim".to_owned()));
    assert!(main.imports.iter().next().is_none());
    assert!(part.imports.iter().any(|import| import.module == "./glue.js" && import.name == "_7"));
}

#[test]
fn parts_are_read_where_they_are_declared() {
    let source =
        "macro_rules! parts {}\n\nparts! {\n    /// What.\n    Reply: answer,\n    Past: lazy on Reply,\n}\n";
    let parts = declared(source).expect("parts");
    let of = |part: &Declared| (part.name.clone(), part.load.clone(), part.base.clone());
    let wanted = |name: &str, load: &str, base: Option<&str>| {
        (name.to_owned(), load.to_owned(), base.map(str::to_owned))
    };
    let read: Vec<_> = parts.iter().map(of).collect();
    assert_eq!(read, [wanted("Reply", "answer", None), wanted("Past", "lazy", Some("Reply"))]);
    assert!(declared("no list").is_err());
    let error = declared("\nparts! {\n    Reply: soon,\n}").expect_err("no such load").to_string();
    assert!(error.contains("soon"), "{error}");
}

#[test]
fn names_are_short_and_never_the_same() {
    let names: HashSet<String> = (0..2_000).map(short_name).collect();
    assert_eq!(names.len(), 2_000);
    assert!(names.iter().all(|name| name.len() <= 4));
}
