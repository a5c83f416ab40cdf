//! Who uses what in the module that the linker made: which function calls or
//! points to which other, and which reads or points to which constants.
//!
//! A finished module does not say it: the address of a function or of a
//! constant is a number like any other. The linker knows, and by `--emit-relocs`
//! leaves a list of all such places, which is read here. Nothing is changed.

use anyhow::{Context, Result, bail};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use wasmparser::{
    DataKind, ExternalKind, FunctionBody, KnownCustom, Linking, Name, Operator, Parser, Payload,
    RelocationEntry, RelocationType, SymbolInfo,
};

/// A function or a constant: its place in [`Reach::uses`].
type Thing = usize;

/// Who uses what.
#[derive(Debug, Default)]
pub struct Reach {
    /// For each function by its index, then for each constant, what it uses.
    uses: Vec<Vec<Thing>>,
    /// The symbols of the functions, by index.
    names: Vec<String>,
    /// Where in memory the constants are.
    constants: Vec<Range<u32>>,
    /// What is reached in ways that are not known by name.
    roots: Vec<Thing>,
    /// What the page reaches by name.
    exports: Vec<(String, Thing)>,
}

/// What a part of the widget uses and the main module does not.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// The symbols of its functions.
    pub functions: HashSet<String>,
    /// The symbols of functions that other parts use as well, none of which is there
    /// before all the others.
    pub common: HashSet<String>,
    /// The addresses of its constants, in order.
    pub constants: Vec<Range<u32>>,
}

/// How a part is entered.
#[derive(Debug, Clone, Copy)]
pub struct Entries<'a> {
    /// The symbols of the functions by which it is.
    pub doors: &'a HashSet<String>,
    /// The part that is there before it, if there is one.
    pub base: Option<usize>,
}

impl Reach {
    /// Reads the list that the linker left. The program ends at functions for which
    /// `is_end` holds: what these use is not counted, nor what only prepares a call of one.
    pub fn read(wasm: &[u8], is_end: impl Fn(&str) -> bool) -> Result<Self> {
        let parts = Sections::read(wasm)?;
        let functions = parts.names.len();
        let doomed = parts.doomed(is_end);
        let mut reach = Self { names: parts.names, ..Self::default() };
        let mut things = Vec::new();
        let mut places = Vec::new();
        for symbol in parts.symbols {
            things.push(match symbol {
                SymbolInfo::Func { index, .. } => Some(index as usize),
                SymbolInfo::Data { symbol: Some(data), .. } => {
                    let segment =
                        parts.segments.get(data.index as usize).context("a symbol of no segment")?;
                    let start = segment.address + data.offset;
                    places.push((
                        segment.bytes.start + data.offset as usize,
                        functions + reach.constants.len(),
                    ));
                    reach.constants.push(start..start + data.size);
                    Some(functions + reach.constants.len() - 1)
                }
                _ => None,
            });
        }
        places.sort_unstable();
        reach.uses = vec![Vec::new(); functions + reach.constants.len()];
        for (place, relocation) in parts.relocations {
            let Some(target) = used_thing(&relocation, &things) else { continue };
            match place {
                Place::Code(at) if is_within(&doomed, at) => {}
                Place::Code(at) => {
                    let index = parts.bodies.partition_point(|(start, _)| *start <= at);
                    let (_, user) = index
                        .checked_sub(1)
                        .and_then(|index| parts.bodies.get(index))
                        .context("code outside of functions")?;
                    reach.uses[*user].push(target);
                }
                // Several constants may share the place.
                Place::Data(at) => {
                    let before = places.partition_point(|(start, _)| *start <= at);
                    let mut is_inside = false;
                    for &(start, user) in &places[..before] {
                        if start + reach.constants[user - functions].len() > at {
                            reach.uses[user].push(target);
                            is_inside = true;
                        }
                    }
                    if !is_inside {
                        reach.roots.push(target);
                    }
                }
            }
        }
        reach.roots.extend(parts.roots);
        reach.exports = parts.exports;
        Ok(reach)
    }

    /// What a test tells: functions, who calls whom, what is exported, and who
    /// reads which constant.
    #[cfg(test)]
    pub(crate) fn told(
        names: &[&str],
        calls: &[(&str, &str)],
        exports: &[&str],
        constants: &[(&str, Range<u32>)],
    ) -> Self {
        let place = |name: &str| names.iter().position(|known| *known == name).expect("a name");
        let mut uses = vec![Vec::new(); names.len() + constants.len()];
        for (user, used) in calls {
            uses[place(user)].push(place(used));
        }
        for (index, (user, _)) in constants.iter().enumerate() {
            uses[place(user)].push(names.len() + index);
        }
        Self {
            uses,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            constants: constants.iter().map(|(_, range)| range.clone()).collect(),
            roots: Vec::new(),
            exports: exports.iter().map(|name| ((*name).to_owned(), place(name))).collect(),
        }
    }

    /// The symbols of all functions.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What no part and no page reaches, or only by exports that are of no use to
    /// anybody: functions, and the addresses of constants.
    pub fn unreached(&self, is_vain: impl Fn(&str) -> bool) -> Owned {
        let mut reached = vec![false; self.uses.len()];
        let exported = self.exports.iter().filter(|(name, _)| !is_vain(name)).map(|(_, thing)| *thing);
        self.flood(self.roots.iter().copied().chain(exported).collect(), &mut reached, &HashSet::new());
        let (functions, constants) = reached.split_at(self.names.len());
        let of_constants = |is_wanted: bool| {
            let found = self.constants.iter().zip(constants).filter(move |(_, is)| **is == is_wanted);
            found.map(|(range, _)| range.clone()).collect::<Vec<_>>()
        };
        let unreached = self.names.iter().zip(functions).filter(|(name, is)| !**is && !name.is_empty());
        Owned {
            functions: unreached.map(|(name, _)| name.clone()).collect(),
            constants: without(&of_constants(false), of_constants(true)),
            ..Owned::default()
        }
    }

    /// What each part alone uses, where a part is entered only by the functions
    /// named for it. What two parts use belongs to neither, unless one is there
    /// before the other, and is shared by them; what `kept` names is of no part.
    pub fn owned(&self, entries: &[Entries<'_>], kept: &HashSet<String>) -> Vec<Owned> {
        let by_name = |names: &HashSet<String>| -> Vec<Thing> {
            (0..self.names.len()).filter(|index| names.contains(&self.names[*index])).collect()
        };
        let doors: Vec<Vec<Thing>> = entries.iter().map(|entries| by_name(entries.doors)).collect();
        let all_doors: HashSet<Thing> = doors.iter().flatten().copied().collect();
        let mut main = vec![false; self.uses.len()];
        let kept = by_name(kept).into_iter().filter(|thing| !all_doors.contains(thing));
        let exported = self.exports.iter().map(|(_, thing)| *thing);
        self.flood(self.roots.iter().copied().chain(exported).chain(kept).collect(), &mut main, &all_doors);
        let mut reached: Vec<Vec<bool>> = Vec::new();
        for own in &doors {
            let mut part = main.clone();
            let others = all_doors.iter().copied().filter(|door| !own.contains(door)).collect();
            self.flood(own.clone(), &mut part, &others);
            reached.push(part);
        }
        let owner = |thing: Thing| {
            let is_user = |part: &usize| !main[thing] && reached[*part][thing];
            let users: Vec<usize> = (0..reached.len()).filter(is_user).collect();
            let is_before = |owner: usize, user: usize| user == owner || entries[user].base == Some(owner);
            users.iter().copied().find(|owner| users.iter().all(|user| is_before(*owner, *user)))
        };
        let mut shares: Vec<Owned> = Vec::new();
        for (part, reached) in reached.iter().enumerate() {
            let is_own = |thing: &Thing| owner(*thing) == Some(part);
            let is_common = |thing: &Thing| !main[*thing] && reached[*thing] && owner(*thing).is_none();
            let symbols = |is_meant: &dyn Fn(&Thing) -> bool| {
                (0..self.names.len()).filter(is_meant).map(|index| self.names[index].clone()).collect()
            };
            let (functions, common) = (symbols(&is_own), symbols(&is_common));
            let own = (self.names.len()..self.uses.len()).filter(is_own);
            let constants = own.map(|thing| self.constants[thing - self.names.len()].clone());
            shares.push(Owned { functions, common, constants: constants.collect() });
        }
        // A constant may share its bytes with one that others use.
        for (index, own) in shares.iter_mut().enumerate() {
            let foreign = (0..self.constants.len())
                .filter(|constant| owner(constant + self.names.len()) != Some(index))
                .map(|constant| self.constants[constant].clone());
            own.constants = without(&own.constants, foreign.collect());
        }
        shares
    }

    /// Marks all that is used by what is in the list, up to the doors.
    fn flood(&self, mut list: Vec<Thing>, reached: &mut [bool], doors: &HashSet<Thing>) {
        while let Some(thing) = list.pop() {
            if !doors.contains(&thing) && !std::mem::replace(&mut reached[thing], true) {
                list.extend(&self.uses[thing]);
            }
        }
    }
}

/// Whether a place is in one of some ranges, which are in order; one may hold others.
fn is_within(ranges: &[Range<usize>], at: usize) -> bool {
    let before = ranges.partition_point(|range| range.start <= at);
    ranges[..before].iter().rev().any(|range| range.contains(&at))
}

/// The bytes of the ranges that are in none of the others, joined and in order.
fn without(ranges: &[Range<u32>], others: Vec<Range<u32>>) -> Vec<Range<u32>> {
    let mut bytes: BTreeSet<u32> = ranges.iter().cloned().flatten().collect();
    for byte in others.into_iter().flatten() {
        bytes.remove(&byte);
    }
    let mut joined: Vec<Range<u32>> = Vec::new();
    for byte in bytes {
        match joined.last_mut() {
            Some(last) if last.end == byte => last.end += 1,
            _ => joined.push(byte..byte + 1),
        }
    }
    joined
}

/// The function or constant that a place names; nothing for types and globals,
/// which every part has.
fn used_thing(relocation: &RelocationEntry, things: &[Option<Thing>]) -> Option<Thing> {
    match relocation.ty {
        RelocationType::TypeIndexLeb | RelocationType::GlobalIndexLeb | RelocationType::TableNumberLeb => {
            None
        }
        _ => things.get(relocation.index as usize).copied().flatten(),
    }
}

/// Where the file has a number that the linker put in: offsets in the file.
enum Place {
    Code(usize),
    Data(usize),
}

struct Segment {
    address: u32,
    bytes: Range<usize>,
}

/// What is read of the file.
#[derive(Default)]
struct Sections<'a> {
    names: Vec<String>,
    /// Where the functions begin in the file, with their indices.
    bodies: Vec<(usize, usize)>,
    /// Calls, and what leads up to each without a way to go elsewhere.
    calls: Vec<(Range<usize>, usize)>,
    /// Where the functions are in the file.
    extents: Vec<Range<usize>>,
    segments: Vec<Segment>,
    symbols: Vec<SymbolInfo<'a>>,
    relocations: Vec<(Place, RelocationEntry)>,
    roots: Vec<Thing>,
    exports: Vec<(String, Thing)>,
}

/// The calls of a function: where the code is that only prepares each, and what is called.
fn calls(body: &FunctionBody<'_>) -> Result<Vec<(Range<usize>, usize)>> {
    let mut calls = Vec::new();
    let mut start = body.range().start;
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        let (operator, at) = reader.read_with_offset()?;
        if let Operator::Call { function_index } = operator {
            calls.push((start..at, function_index as usize));
        }
        if !is_plain(&operator) {
            start = reader.original_position();
        }
    }
    Ok(calls)
}

/// Whether what follows an operator is what runs next, and nothing outside of the
/// module can notice that it ran.
fn is_plain(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::LocalGet { .. }
            | O::LocalSet { .. }
            | O::LocalTee { .. }
            | O::GlobalGet { .. }
            | O::GlobalSet { .. }
            | O::I32Const { .. }
            | O::I64Const { .. }
            | O::F32Const { .. }
            | O::F64Const { .. }
            | O::I32Load { .. }
            | O::I64Load { .. }
            | O::F64Load { .. }
            | O::I32Load8U { .. }
            | O::I32Load8S { .. }
            | O::I32Load16U { .. }
            | O::I32Load16S { .. }
            | O::I32Store { .. }
            | O::I64Store { .. }
            | O::F64Store { .. }
            | O::I32Store8 { .. }
            | O::I32Store16 { .. }
            | O::I32Add
            | O::I32Sub
            | O::I32And
            | O::I32Or
            | O::I32Shl
            | O::I32ShrU
            | O::I64Or
            | O::I64Shl
            | O::I64ExtendI32U
            | O::I64ExtendI32S
            | O::I32WrapI64
    )
}

impl<'a> Sections<'a> {
    /// Where in the file the code is that only functions run at which the program
    /// ends, or that only prepares a call of one; in order.
    fn doomed(&self, is_end: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
        let ends: Vec<bool> = self.names.iter().map(|name| is_end(name)).collect();
        let is_end = |index: usize| ends.get(index).copied().unwrap_or_default();
        let bodies = self.bodies.iter().zip(&self.extents).filter(|((_, index), _)| is_end(*index));
        let runs = self.calls.iter().filter(|(_, called)| is_end(*called)).map(|(run, _)| run.clone());
        let mut doomed: Vec<Range<usize>> = bodies.map(|(_, extent)| extent.clone()).chain(runs).collect();
        doomed.sort_unstable_by_key(|range| range.start);
        doomed
    }

    fn read(wasm: &'a [u8]) -> Result<Self> {
        let mut out = Self::default();
        let mut starts: HashMap<u32, usize> = HashMap::new();
        let (mut code, mut data) = (u32::MAX, u32::MAX);
        let (mut imported, mut section, mut lists) = (0, 0, Vec::new());
        let mut named = HashMap::new();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            if let Some((_, range)) = payload.as_section() {
                starts.insert(section, range.start);
                section += 1;
            }
            match payload {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        imported += usize::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            out.exports.push((export.name.to_owned(), export.index as usize));
                        }
                    }
                }
                Payload::StartSection { func, .. } => out.roots.push(func as usize),
                Payload::CodeSectionStart { .. } => code = section - 1,
                Payload::CodeSectionEntry(body) => {
                    out.bodies.push((body.range().start, imported + out.bodies.len()));
                    out.extents.push(body.range());
                    out.calls.extend(calls(&body)?);
                }
                Payload::DataSection(segments) => {
                    data = section - 1;
                    for segment in segments {
                        let segment = segment?;
                        let DataKind::Active { offset_expr, .. } = segment.kind else {
                            bail!("a segment of data without an address");
                        };
                        let address = match offset_expr.get_operators_reader().read()? {
                            Operator::I32Const { value } => u32::from_ne_bytes(value.to_ne_bytes()),
                            other => bail!("a segment of data at {other:?}"),
                        };
                        let end = segment.range.end;
                        out.segments.push(Segment { address, bytes: end - segment.data.len()..end });
                    }
                }
                Payload::CustomSection(custom) => match custom.as_known() {
                    KnownCustom::Linking(linking) => {
                        for subsection in linking.subsections() {
                            if let Linking::SymbolTable(symbols) = subsection? {
                                out.symbols = symbols.into_iter().collect::<Result<_, _>>()?;
                            }
                        }
                    }
                    KnownCustom::Reloc(list) => lists.push(list),
                    KnownCustom::Name(sections) => {
                        for names in sections {
                            if let Name::Function(functions) = names? {
                                for function in functions {
                                    let function = function?;
                                    named.insert(function.index as usize, function.name.to_owned());
                                }
                            }
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        for list in lists {
            let index = list.section_index();
            let start = *starts.get(&index).context("a list of places in no section")?;
            for relocation in list.entries() {
                let relocation = relocation?;
                let at = start + relocation.offset as usize;
                if index == code {
                    out.relocations.push((Place::Code(at), relocation));
                } else if index == data {
                    out.relocations.push((Place::Data(at), relocation));
                }
            }
        }
        if out.relocations.is_empty() || out.symbols.is_empty() {
            bail!("the linker left no list of places: it was not asked by --emit-relocs");
        }
        let count = imported + out.bodies.len();
        out.names = (0..count).map(|index| named.remove(&index).unwrap_or_default()).collect();
        Ok(out)
    }
}

#[cfg(test)]
mod tests;
