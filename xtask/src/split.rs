//! Splits the module: what a page needs at once, and parts that are fetched
//! when they are first needed.
//!
//! A part is entered by `Lazy::enter` of `src/engine/part.rs`. All that only that
//! uses, functions and constants, moves into a module of its own, which
//! imports the memory, the table and what else it needs of the main module and
//! puts its functions into places of the table that the main one keeps free. In
//! the main module an entrance is a call through the table. So the two are one
//! program with one memory, and no code was written for it but this.
//!
//! The widget must not call an entrance before the part is there: it would trap.
//! `src/shell/waiting.rs` and `src/view/later.rs` see to that.

use crate::prune::path;
use crate::reach::{Entries, Owned, Reach};
use anyhow::{Context, Result, bail};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use walrus::ir::{Call, RefFunc, Value, Visitor, dfs_in_order};
use walrus::{
    ConstExpr, DataId, DataKind, ElementItems, ElementKind, ExportItem, FunctionBuilder, FunctionId,
    FunctionKind, GlobalKind, ImportKind, ImportedFunction, Module, ModuleConfig, TableId,
};

/// A part as it is cut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// The symbols of the functions by which it is entered.
    pub doors: HashSet<String>,
    /// The place in the plan of the part that is there before it, if there is one.
    pub base: Option<usize>,
}

/// A part as the widget declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// When it is fetched: `answer` or `lazy`.
    pub load: String,
    /// The part that is there before it, if there is one.
    pub base: Option<String>,
}

/// The parts that the widget declares (`src/engine/part.rs`, as text).
pub fn declared(source: &str) -> Result<Vec<Declared>> {
    let list = source.split_once("\nparts! {").and_then(|(_, rest)| rest.split_once("\n}"));
    let (list, _) = list.context("src/engine/part.rs has no list `parts! { ... }`")?;
    list.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("///"))
        .map(|line| {
            let words: Vec<&str> = line.trim_end_matches(',').split_whitespace().collect();
            let (name, load, base) = match words[..] {
                [name, load @ ("answer" | "lazy")] => (name, load, None),
                [name, load @ ("answer" | "lazy"), "on", base] => (name, load, Some(base.to_owned())),
                _ => bail!(
                    "src/engine/part.rs declares a part by `{line}`, and not by `Name: answer,` or \
                     `Name: lazy,` or `Name: lazy on Other,`"
                ),
            };
            Ok(Declared { name: name.trim_end_matches(':').to_owned(), load: load.to_owned(), base })
        })
        .collect()
}

/// Finds the entrances of the parts: what the compiler made of `Lazy::enter` for
/// each. A part without one would never be used, or was inlined and so is in the
/// main module.
pub fn plan(reach: &Reach, parts: &[Declared]) -> Result<Vec<Plan>> {
    let mut plan = Vec::new();
    for Declared { name, base, .. } in parts {
        let place = |base: &String| {
            let found = parts.iter().position(|part| part.name == *base);
            found.with_context(|| format!("the part `{name}` is declared on `{base}`, which is none"))
        };
        let base = base.as_ref().map(place).transpose()?;
        plan.push(Plan { name: name.clone(), doors: HashSet::new(), base });
    }
    for symbol in reach.names() {
        let path = path(symbol);
        let Some((part, way)) = path
            .strip_prefix("<chinwag::engine::part::")
            .and_then(|rest| rest.split_once(" as chinwag::engine::part::Lazy>::"))
        else {
            continue;
        };
        if !(way.starts_with("enter::<") || way.starts_with("enter_again::<")) {
            continue;
        }
        match plan.iter_mut().find(|known| known.name == part) {
            Some(known) => {
                known.doors.insert(symbol.clone());
            }
            None => bail!("the widget enters a part `{part}` that src/engine/part.rs does not declare"),
        }
    }
    for Plan { name: part, doors, .. } in &plan {
        if doors.is_empty() {
            bail!(
                "the compiler left no function by which the part `{part}` is entered: nothing enters it, or \
                 `Lazy::enter` was inlined, or symbols are written in another way"
            );
        }
    }
    Ok(plan)
}

/// The modules that the one became.
#[derive(Debug)]
pub struct Split {
    /// What a page needs at once.
    pub main: Vec<u8>,
    /// The parts, in the order of the plan.
    pub parts: Vec<Vec<u8>>,
}

/// What a part calls the module that it belongs to.
pub const MAIN: &str = "m";

/// Splits `module`, which was made from the one that `reach` was read from and
/// has its symbols still.
pub fn split(module: &mut Module, reach: &Reach, plan: &[Plan]) -> Result<Split> {
    let bytes = module.emit_wasm();
    let whole = parse(&bytes)?;
    let owned = settle(&whole, reach, plan);
    let shape = Shape::new(&whole, &owned, plan, reach)?;
    let mut parts = Vec::new();
    for part in 0..plan.len() {
        parts.push(shape.part(parse(&bytes)?, part, &owned)?);
    }
    Ok(Split { main: shape.main(whole, &owned)?, parts })
}

fn parse(bytes: &[u8]) -> Result<Module> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(true).generate_producers_section(false);
    config.parse(bytes)
}

/// What each part owns, after what was done to the module since it was linked:
/// a function that is called directly from elsewhere stays, and so does one that is
/// shared and pointed to, of which there has to be one.
fn settle(module: &Module, reach: &Reach, plan: &[Plan]) -> Vec<Owned> {
    let entries: Vec<Entries<'_>> =
        plan.iter().map(|part| Entries { doors: &part.doors, base: part.base }).collect();
    let name = |id: FunctionId| module.funcs.get(id).name.as_deref().unwrap_or_default();
    let pointed = module.elements.iter().flat_map(filled).map(|(_, id)| name(id));
    let pointed: HashSet<&str> = pointed.collect();
    let mut kept = HashSet::new();
    loop {
        let owned = reach.owned(&entries, &kept);
        let before = kept.len();
        let common = owned.iter().flat_map(|part| &part.common);
        kept.extend(common.filter(|name| pointed.contains(name.as_str())).cloned());
        let homes = |id: FunctionId| homes_of(name(id), &owned);
        let mut leave = |users: &[usize], used: FunctionId| {
            let homes = homes(used);
            let is_door = homes.iter().any(|home| plan[*home].doors.contains(name(used)));
            let has = |user: &usize| homes.iter().any(|home| is_before(plan, *home, *user));
            if !homes.is_empty() && !is_door && (users.is_empty() || !users.iter().all(has)) {
                kept.insert(name(used).to_owned());
            }
        };
        for (id, _) in module.funcs.iter_local() {
            let users = homes(id);
            for used in called(module, id) {
                leave(&users, used);
            }
        }
        for export in module.exports.iter() {
            if let ExportItem::Function(id) = export.item {
                leave(&[], id);
            }
        }
        module.start.into_iter().for_each(|id| leave(&[], id));
        if kept.len() == before {
            return owned;
        }
    }
}

/// The parts that a function moves to: none, one, or each that has to have a copy.
fn homes_of(name: &str, owned: &[Owned]) -> Vec<usize> {
    let has = |part: &Owned| part.functions.contains(name) || part.common.contains(name);
    owned.iter().enumerate().filter(|(_, part)| has(part)).map(|(part, _)| part).collect()
}

/// Whether a part is there whenever another is.
fn is_before(plan: &[Plan], part: usize, other: usize) -> bool {
    part == other || plan[other].base == Some(part)
}

/// The functions that one names in its code.
fn called(module: &Module, id: FunctionId) -> Vec<FunctionId> {
    #[derive(Default)]
    struct Calls(Vec<FunctionId>);
    impl Visitor<'_> for Calls {
        fn visit_call(&mut self, call: &Call) {
            self.0.push(call.func);
        }
        fn visit_ref_func(&mut self, reference: &RefFunc) {
            self.0.push(reference.func);
        }
    }
    let mut calls = Calls::default();
    if let FunctionKind::Local(function) = &module.funcs.get(id).kind {
        dfs_in_order(&mut calls, function, function.entry_block());
    }
    calls.0
}

/// Who goes where. Functions are known by their place in the order of the
/// module, which is the same each time that its bytes are parsed.
struct Shape {
    /// The parts that each function moves to; of one with several each has a copy.
    homes: Vec<Vec<usize>>,
    /// Functions of a part that the rest calls, and their places in the table.
    doors: BTreeMap<usize, u32>,
    /// Functions of the main module that parts call, and their names there.
    shared: BTreeMap<usize, String>,
    /// Places of the table that the parts fill.
    slots: Vec<BTreeMap<u32, usize>>,
    table_size: u64,
}

impl Shape {
    fn new(module: &Module, owned: &[Owned], plan: &[Plan], reach: &Reach) -> Result<Self> {
        let order: HashMap<FunctionId, usize> =
            module.funcs.iter().enumerate().map(|(place, function)| (function.id(), place)).collect();
        let mut shape = Self {
            homes: Vec::new(),
            doors: BTreeMap::new(),
            shared: BTreeMap::new(),
            slots: vec![BTreeMap::new(); owned.len()],
            table_size: module.tables.get(function_table(module)?).initial,
        };
        for (place, function) in module.funcs.iter().enumerate() {
            let name = function.name.as_deref().unwrap_or_default();
            let homes = homes_of(name, owned);
            if let Some(home) = homes.iter().find(|home| plan[**home].doors.contains(name)) {
                shape.open(place, *home)?;
            }
            shape.homes.push(homes);
        }
        shape.take_adapters(module, reach, plan, &order);
        for element in module.elements.iter() {
            for (slot, id) in filled(element) {
                let place = order[&id];
                if let Some(home) = shape.homes[place].first().filter(|_| !shape.doors.contains_key(&place)) {
                    shape.slots[*home].insert(slot, place);
                }
            }
        }
        let taken: HashSet<&str> = module.exports.iter().map(|export| export.name.as_str()).collect();
        let mut names = (0_usize..).map(short_name).filter(|name| !taken.contains(name.as_str()));
        for (place, function) in module.funcs.iter().enumerate() {
            for used in called(module, function.id()).into_iter().filter(|used| !is_of_page(module, *used)) {
                let used = order[&used];
                for home in shape.homes[place].clone() {
                    let homes = &shape.homes[used];
                    if homes.contains(&home) {
                        continue;
                    }
                    // Of the part that this one is made upon.
                    let base = homes.iter().copied().find(|base| is_before(plan, *base, home));
                    if let Some(base) = base.filter(|_| !shape.doors.contains_key(&used)) {
                        shape.open(used, base)?;
                    }
                    if let Entry::Vacant(vacant) = shape.shared.entry(used) {
                        vacant.insert(names.next().context("names")?);
                    }
                }
            }
        }
        Ok(shape)
    }

    /// Moves what wasm-bindgen has put between the code and the page's functions, of
    /// which the linker knew nothing, to the parts that call it.
    fn take_adapters(
        &mut self,
        module: &Module,
        reach: &Reach,
        plan: &[Plan],
        order: &HashMap<FunctionId, usize>,
    ) {
        let known: HashSet<&str> = reach.names().iter().map(String::as_str).collect();
        let mut callers: HashMap<usize, Vec<usize>> = HashMap::new();
        for (place, function) in module.funcs.iter().enumerate() {
            for used in called(module, function.id()) {
                callers.entry(order[&used]).or_default().push(place);
            }
        }
        let mut fixed: HashSet<usize> = module.start.iter().map(|id| order[id]).collect();
        let pointed = module.elements.iter().flat_map(filled).map(|(_, id)| id);
        let exported = module.exports.iter().filter_map(|export| match export.item {
            ExportItem::Function(id) => Some(id),
            _ => None,
        });
        fixed.extend(pointed.chain(exported).map(|id| order[&id]));
        for (place, function) in module.funcs.iter().enumerate() {
            let is_known = function.name.as_deref().is_some_and(|name| known.contains(name));
            if is_known || fixed.contains(&place) || is_of_page(module, function.id()) {
                continue;
            }
            let users = callers.get(&place).map(Vec::as_slice).unwrap_or_default();
            if users.iter().any(|user| self.homes[*user].is_empty()) {
                continue;
            }
            let users: BTreeSet<usize> = users.iter().flat_map(|user| &self.homes[*user]).copied().collect();
            let owns = |owner: &&usize| users.iter().all(|user| is_before(plan, **owner, *user));
            self.homes[place] = match users.iter().find(owns) {
                Some(owner) => vec![*owner],
                None => users.into_iter().collect(),
            };
        }
    }

    /// Gives a function of a part a place in the table, by which others call it.
    fn open(&mut self, place: usize, home: usize) -> Result<()> {
        let slot = u32::try_from(self.table_size)?;
        self.table_size += 1;
        self.doors.insert(place, slot);
        self.slots[home].insert(slot, place);
        Ok(())
    }

    /// The module without what moves.
    fn main(&self, mut module: Module, owned: &[Owned]) -> Result<Vec<u8>> {
        let ids: Vec<FunctionId> = module.funcs.iter().map(walrus::Function::id).collect();
        let table = function_table(&module)?;
        let entry = module.tables.get_mut(table);
        entry.initial = self.table_size;
        entry.maximum = entry.maximum.map(|maximum| maximum.max(self.table_size));
        for (place, name) in &self.shared {
            module.exports.add(name, ids[*place]);
        }
        module.exports.add(TABLE, table);
        for (name, table) in other_tables(&module)? {
            if module.exports.iter().all(|export| export.name != name) {
                module.exports.add(&name, table);
            }
        }
        let globals: Vec<_> = module.globals.iter().filter(|global| global.mutable).collect();
        for (index, id) in
            globals.iter().map(|global| global.id()).collect::<Vec<_>>().into_iter().enumerate()
        {
            module.exports.add(&global_name(index), id);
        }
        if module.exports.iter().all(|export| export.name != MEMORY) {
            bail!("the module does not export its memory");
        }
        let mut builder = FunctionBuilder::new(&mut module.types, &[], &[]);
        builder.func_body().unreachable();
        let absent = builder.finish(Vec::new(), &mut module.funcs);
        for element in module.elements.iter_mut() {
            if let ElementItems::Functions(functions) = &mut element.items {
                for id in functions {
                    let place =
                        ids.iter().position(|known| known == id).context("a function of the table")?;
                    if !self.homes[place].is_empty() && !self.doors.contains_key(&place) {
                        *id = absent;
                    }
                }
            }
        }
        for (place, _) in self.homes.iter().enumerate().filter(|(_, homes)| !homes.is_empty()) {
            let slot = self.doors.get(&place).copied();
            replace_body(&mut module, ids[place], slot.map(|slot| (table, slot)));
        }
        for part in owned {
            for (id, place, _) in constants(&module, part) {
                if let Some(bytes) = module.data.get_mut(id).value.get_mut(place) {
                    bytes.fill(0);
                }
            }
        }
        walrus::passes::gc::run(&mut module);
        Ok(module.emit_wasm())
    }

    /// The module of one part.
    fn part(&self, mut module: Module, part: usize, owned: &[Owned]) -> Result<Vec<u8>> {
        let ids: Vec<FunctionId> = module.funcs.iter().map(walrus::Function::id).collect();
        let table = function_table(&module)?;
        let data: Vec<(u32, Vec<u8>)> = constants(&module, &owned[part])
            .into_iter()
            .map(|(id, place, start)| (start, module.data.get(id).value[place].to_vec()))
            .collect();
        let other_tables = other_tables(&module)?;
        for id in module.exports.iter().map(walrus::Export::id).collect::<Vec<_>>() {
            module.exports.delete(id);
        }
        module.start = None;
        for id in module.elements.iter().map(walrus::Element::id).collect::<Vec<_>>() {
            module.elements.delete(id);
        }
        for id in module.data.iter().map(walrus::Data::id).collect::<Vec<_>>() {
            module.data.delete(id);
        }
        let others = module.imports.iter().filter(|import| !matches!(import.kind, ImportKind::Function(_)));
        for id in others.map(walrus::Import::id).collect::<Vec<_>>() {
            module.imports.delete(id);
        }
        let table_ids: Vec<TableId> = module.tables.iter().map(walrus::Table::id).collect();
        for id in table_ids {
            module.tables.get_mut(id).elem_segments.clear();
        }
        let table_import = module.imports.add(MAIN, TABLE, table);
        module.tables.get_mut(table).import = Some(table_import);
        module.tables.get_mut(table).initial = self.table_size;
        module.tables.get_mut(table).maximum = None;
        for (name, table) in other_tables {
            let import = module.imports.add(MAIN, &name, table);
            module.tables.get_mut(table).import = Some(import);
        }
        let memory = module.memories.iter().next().map(walrus::Memory::id).context("no memory")?;
        let memory_import = module.imports.add(MAIN, MEMORY, memory);
        module.memories.get_mut(memory).import = Some(memory_import);
        module.memories.get_mut(memory).data_segments.clear();
        let globals: Vec<_> =
            module.globals.iter().filter(|global| global.mutable).map(walrus::Global::id).collect();
        for (index, id) in globals.into_iter().enumerate() {
            let import = module.imports.add(MAIN, &global_name(index), id);
            module.globals.get_mut(id).kind = GlobalKind::Import(import);
        }
        for (place, id) in ids.iter().enumerate() {
            if self.homes[place].contains(&part) || is_of_page(&module, *id) {
                continue;
            }
            let ty = module.funcs.get(*id).ty();
            let name = self.shared.get(&place).map_or("", String::as_str);
            let import = module.imports.add(MAIN, name, ImportKind::Function(*id));
            module.funcs.get_mut(*id).kind = FunctionKind::Import(ImportedFunction { import, ty });
        }
        for (start, places) in runs(&self.slots[part]) {
            let functions = places.into_iter().map(|place| ids[place]).collect();
            let kind = ElementKind::Active { table, offset: address(start) };
            let element = module.elements.add(kind, ElementItems::Functions(functions));
            module.tables.get_mut(table).elem_segments.insert(element);
        }
        for (start, bytes) in data {
            module.data.add(DataKind::Active { memory, offset: address(start) }, bytes);
        }
        walrus::passes::gc::run(&mut module);
        Ok(module.emit_wasm())
    }
}

/// The names under which the main module gives what every part needs.
const MEMORY: &str = "memory";
const TABLE: &str = "$t";

fn global_name(index: usize) -> String {
    format!("$g{index}")
}

/// `$a` to `$z`, `$ba` and so on.
fn short_name(mut number: usize) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b'a' + u8::try_from(number % 26).unwrap_or_default());
        number /= 26;
        if number == 0 {
            break;
        }
    }
    digits.push(b'_');
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}

/// An address or a place in the table, as the start of a segment.
fn address(value: u32) -> ConstExpr {
    ConstExpr::Value(Value::I32(i32::from_ne_bytes(value.to_ne_bytes())))
}

/// The tables beside that of functions, by the names under which the main module
/// gives them: what is the page's is held there.
fn other_tables(module: &Module) -> Result<Vec<(String, TableId)>> {
    let functions = function_table(module)?;
    let others = module.tables.iter().map(walrus::Table::id).filter(|id| *id != functions);
    let named = others.enumerate().map(|(index, id)| {
        let export = module
            .exports
            .iter()
            .find(|export| matches!(export.item, ExportItem::Table(exported) if exported == id));
        (export.map_or_else(|| format!("{TABLE}{index}"), |export| export.name.clone()), id)
    });
    Ok(named.collect())
}

/// Whether a function is the page's: each module gets those from the glue itself.
fn is_of_page(module: &Module, id: FunctionId) -> bool {
    matches!(module.funcs.get(id).kind, FunctionKind::Import(_))
}

fn function_table(module: &Module) -> Result<TableId> {
    module.tables.main_function_table()?.context("the module has no table of functions")
}

/// The places that a segment fills, and with what.
fn filled(element: &walrus::Element) -> Vec<(u32, FunctionId)> {
    match (&element.kind, &element.items) {
        (
            ElementKind::Active { offset: ConstExpr::Value(Value::I32(start)), .. },
            ElementItems::Functions(functions),
        ) => (u32::from_ne_bytes(start.to_ne_bytes())..).zip(functions.iter().copied()).collect(),
        _ => Vec::new(),
    }
}

/// Neighbouring places together: each segment has a head of several bytes.
fn runs(slots: &BTreeMap<u32, usize>) -> Vec<(u32, Vec<usize>)> {
    let mut runs: Vec<(u32, Vec<usize>)> = Vec::new();
    for (slot, place) in slots {
        match runs.last_mut() {
            Some((start, places)) if *start as usize + places.len() == *slot as usize => places.push(*place),
            _ => runs.push((*slot, vec![*place])),
        }
    }
    runs
}

/// Where the constants of a part are in the module's segments, and their addresses.
fn constants(module: &Module, part: &Owned) -> Vec<(DataId, Range<usize>, u32)> {
    let mut found = Vec::new();
    for data in module.data.iter() {
        let DataKind::Active { offset: ConstExpr::Value(Value::I32(base)), .. } = data.kind else { continue };
        let base = u32::from_ne_bytes(base.to_ne_bytes());
        for range in &part.constants {
            let Some(start) = range.start.checked_sub(base).map(|start| start as usize) else { continue };
            let place = start..start + range.len();
            if data.value.get(place.clone()).is_some_and(|bytes| bytes.iter().any(|byte| *byte != 0)) {
                found.push((data.id(), place, range.start));
            }
        }
    }
    found
}

/// Makes a function call what is at a place of the table, or nothing at all.
fn replace_body(module: &mut Module, id: FunctionId, target: Option<(TableId, u32)>) {
    let function = module.funcs.get(id);
    let (ty, name) = (function.ty(), function.name.clone());
    let (parameters, results) = module.types.params_results(ty);
    let (parameters, results) = (parameters.to_vec(), results.to_vec());
    let mut builder = FunctionBuilder::new(&mut module.types, &parameters, &results);
    let arguments: Vec<_> = parameters.into_iter().map(|parameter| module.locals.add(parameter)).collect();
    let mut body = builder.func_body();
    match target {
        Some((table, slot)) => {
            for argument in &arguments {
                body.local_get(*argument);
            }
            body.i32_const(i32::from_ne_bytes(slot.to_ne_bytes())).call_indirect(ty, table);
        }
        None => {
            body.unreachable();
        }
    }
    let function = module.funcs.get_mut(id);
    function.kind = FunctionKind::Local(builder.local_func(arguments));
    function.name = name;
}

#[cfg(test)]
mod tests;
