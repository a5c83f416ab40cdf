//! Takes out of the module what no page ever reaches, and what neither the
//! linker nor wasm-opt can know to be out of reach, since tables of functions
//! point to it.
//!
//! First the machinery of panics. A panic of the widget stops the module by
//! `unreachable`: the profile says `panic = "abort"`, no hook is set, and the
//! message would be written to a standard error stream that a browser does not
//! have. The code that puts that
//! message together, with the `Debug` form of whatever it names and the path of
//! every source file, is nevertheless there. Here the functions at which a
//! panic begins become the `unreachable` at which it ends, and wasm-opt drops
//! what only they had called. The compiler does the same by
//! `panic = "immediate-abort"`, which stable Rust does not have yet.
//!
//! Then the half of wasm-streams that makes streams for JavaScript out of those
//! of Rust: gloo-net links it, and its exported classes keep it, but only code
//! of Rust can make an object of them, and the widget's does not. What only they
//! reach is told by the linker's own list, not by names: the compiler makes one
//! function of two that are alike, and gives it the name of either.
//!
//! And with both all that only they had used, constants as well, and the code that
//! prepares nothing but a panic's message.

use crate::reach::Reach;
use anyhow::{Result, bail};
use std::collections::HashSet;
use std::ops::Range;
use walrus::ir::{Instr, InstrLocId, InstrSeq, Unreachable, Value, VisitorMut, dfs_pre_order_mut};
use walrus::{ConstExpr, DataKind, FunctionBuilder, FunctionId, FunctionKind, Module};

/// Where a panic begins, by the function's name without hashes. A name that
/// ends in `:` is that of a module.
const BEGINNINGS: [&str; 21] = [
    "__rustc::rust_begin_unwind",
    "alloc::alloc::handle_alloc_error",
    "alloc::raw_vec::capacity_overflow",
    "alloc::raw_vec::handle_error",
    "core::cell::panic_already_borrowed",
    "core::cell::panic_already_mutably_borrowed",
    "core::option::expect_failed",
    "core::option::unwrap_failed",
    "core::panicking:",
    "core::result::unwrap_failed",
    "core::slice::copy_from_slice_impl::len_mismatch_fail",
    "core::slice::index::slice_index_fail",
    "core::str::slice_error_fail",
    "std::alloc::rust_oom",
    "std::panicking::begin_panic",
    "std::panicking::panic_handler",
    "std::panicking::panic_with_hook",
    "std::process::abort",
    "std::sys::backtrace:",
    "std::thread::local::panic_access_error",
    "std::panicking::default_hook",
];

/// Without these a toolchain has renamed its panics, and this file is to follow.
const ALWAYS_THERE: [&str; 3] =
    ["core::panicking::panic_fmt", "core::option::unwrap_failed", "core::result::unwrap_failed"];

/// Traits that only messages of panics use: the widget writes no `{:?}`.
const TRAITS: [&str; 2] = [" as core::fmt::Debug>::", " as core::panic::PanicPayload>::"];

/// Part of the names of the exports for streams that Rust makes.
const STREAMS_OF_RUST: &str = "intounderlying";

/// What was taken out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Functions that are an `unreachable` now.
    pub functions: usize,
    /// Bytes of source paths and positions that are zero now.
    pub bytes: usize,
}

/// Takes them out of a module that has its symbols still.
pub fn prune(module: &mut Module, reach: &Reach) -> Result<Pruned> {
    let unreached = reach.unreached(|export| export.contains(STREAMS_OF_RUST));
    let mut named: Vec<(FunctionId, String)> = Vec::new();
    for (id, function) in module.funcs.iter_local().map(|(id, _)| (id, module.funcs.get(id))) {
        named.push((id, path(function.name.as_deref().unwrap_or_default())));
    }
    for needed in ALWAYS_THERE {
        if !named.iter().any(|(_, name)| name == needed) {
            bail!("the module has no function `{needed}`: its names are gone, or the toolchain's are others");
        }
    }
    let mut pruned = Pruned::default();
    let mut ends = HashSet::new();
    for (id, name) in named {
        let symbol = module.funcs.get(id).name.as_deref();
        if is_of_panics(&name) || symbol.is_some_and(|symbol| unreached.functions.contains(symbol)) {
            make_unreachable(module, id);
            ends.insert(id);
            pruned.functions += 1;
        }
    }
    for (_, function) in module.funcs.iter_local_mut() {
        let entry = function.entry_block();
        dfs_pre_order_mut(&mut Ends(&ends), function, entry);
    }
    let classes = module.exports.iter().filter(|export| export.name.contains(STREAMS_OF_RUST));
    for class in classes.map(walrus::Export::id).collect::<Vec<_>>() {
        module.exports.delete(class);
    }
    let segments: Vec<_> = module.data.iter().map(walrus::Data::id).collect();
    for data in segments {
        let data = module.data.get_mut(data);
        let DataKind::Active { offset: ConstExpr::Value(Value::I32(base)), .. } = data.kind else { continue };
        let base = u32::from_ne_bytes(base.to_ne_bytes());
        pruned.bytes += clear_positions(base, &mut data.value);
        pruned.bytes += clear(base, &mut data.value, &unreached.constants);
    }
    Ok(pruned)
}

/// Whether a panic begins at a function, or only messages of panics need it.
pub fn is_of_panics(name: &str) -> bool {
    BEGINNINGS.iter().any(|known| match known.strip_suffix(':') {
        Some(module) => name.strip_prefix(module).is_some_and(|rest| rest.starts_with("::")),
        None => name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")),
    }) || TRAITS.iter().any(|known| name.contains(known))
}

/// What a symbol names, without hashes.
pub fn path(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}

/// Ends the code before a call at which the program does, and with it what was only
/// prepared for that: the message, put together on the stack.
struct Ends<'a>(&'a HashSet<FunctionId>);

impl VisitorMut for Ends<'_> {
    fn start_instr_seq_mut(&mut self, code: &mut InstrSeq) {
        let is_end = |instr: &Instr| matches!(instr, Instr::Call(call) if self.0.contains(&call.func));
        let Some(end) = code.instrs.iter().position(|(instr, _)| is_end(instr)) else { return };
        let before = code.instrs.iter().take(end).rposition(|(instr, _)| !is_preparation(instr));
        code.instrs.truncate(before.map_or(0, |before| before + 1));
        code.instrs.push((Unreachable {}.into(), InstrLocId::default()));
    }
}

/// Whether nothing outside of the module can notice that it ran.
fn is_preparation(instr: &Instr) -> bool {
    matches!(
        instr,
        Instr::LocalGet(_)
            | Instr::LocalSet(_)
            | Instr::LocalTee(_)
            | Instr::GlobalGet(_)
            | Instr::GlobalSet(_)
            | Instr::Const(_)
            | Instr::Load(_)
            | Instr::Store(_)
            | Instr::Binop(_)
            | Instr::Unop(_)
    )
}

fn make_unreachable(module: &mut Module, id: FunctionId) {
    let function = module.funcs.get(id);
    let name = function.name.clone();
    let (parameters, results) = module.types.params_results(function.ty());
    let (parameters, results) = (parameters.to_vec(), results.to_vec());
    let mut builder = FunctionBuilder::new(&mut module.types, &parameters, &results);
    builder.func_body().unreachable();
    let arguments = parameters.into_iter().map(|parameter| module.locals.add(parameter)).collect();
    let function = module.funcs.get_mut(id);
    function.kind = FunctionKind::Local(builder.local_func(arguments));
    function.name = name;
}

/// Zeroes every `core::panic::Location` of a segment and the path it points
/// to: four words, the address and the length of a path that ends in `.rs`, a
/// line and a column. The path may be followed by another's text, so that only
/// what a position names is taken. The number of bytes.
fn clear_positions(base: u32, data: &mut [u8]) -> usize {
    let mut positions = Vec::new();
    let mut paths = Vec::new();
    // Words are aligned in memory, whatever the address of the segment.
    let mut at = base.wrapping_neg() as usize % 4;
    while let Some(words) = data.get(at..at + 16) {
        let word = |index: usize| {
            let bytes = words.get(index * 4..).and_then(|rest| rest.first_chunk::<4>());
            bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
        };
        let path = word(0)
            .checked_sub(base)
            .and_then(|from| Some((usize::try_from(from).ok()?, usize::try_from(word(1)).ok()?)))
            .map(|(from, length)| from..from.saturating_add(length));
        match path {
            Some(path) if data.get(path.clone()).is_some_and(is_source_path) && word(2) > 0 => {
                positions.push(at..at + 16);
                paths.push(path);
                at += 16;
            }
            _ => at += 4,
        }
    }
    zero(data, positions.into_iter().chain(paths))
}

/// Zeroes what stands at some addresses of a segment. The number of bytes.
fn clear(base: u32, data: &mut [u8], addresses: &[Range<u32>]) -> usize {
    let place = |range: &Range<u32>| {
        let start = usize::try_from(range.start.checked_sub(base)?).ok()?;
        Some(start..start + range.len())
    };
    let places: Vec<_> = addresses.iter().filter_map(place).collect();
    zero(data, places.into_iter())
}

fn zero(data: &mut [u8], places: impl Iterator<Item = Range<usize>>) -> usize {
    let mut zeroed = 0;
    for place in places {
        if let Some(bytes) = data.get_mut(place) {
            zeroed += bytes.iter().filter(|byte| **byte != 0).count();
            bytes.fill(0);
        }
    }
    zeroed
}

fn is_source_path(bytes: &[u8]) -> bool {
    bytes.len() > 6
        && bytes.ends_with(b".rs")
        && bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
        && bytes.iter().any(|byte| matches!(byte, b'/' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_panics_are_known_by_their_names_whatever_their_hashes() {
        for symbol in [
            "_RNvNtCsgXGp5Oqx2Ny_4core9panicking9panic_fmt",
            "_ZN4core6option13unwrap_failed17h0123456789abcdefE",
            "_ZN59_$LT$chinwag..engine..Event$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
            "_RNvXs_NtNtCsgXGp5Oqx2Ny_4core3ops5rangeINtB4_5RangejENtNtB8_3fmt5Debug3fmtB8_",
        ] {
            assert!(is_of_panics(&path(symbol)), "{symbol}: {}", path(symbol));
        }
        for name in [
            "<chinwag::host::options::OptionsError as core::fmt::Display>::fmt",
            "std::panicking::panic_count::is_zero_slow_path",
            "core::panicking_not::f",
            "chinwag::view::failure::failure",
        ] {
            assert!(!is_of_panics(name), "{name}");
        }
    }

    #[test]
    fn what_only_prepares_the_end_is_not_done_and_what_is_seen_is() {
        let mut module = Module::default();
        let memory = module.memories.add_local(false, false, 1, None, None);
        let kind = module.types.add(&[], &[]);
        let (page, _) = module.add_import_func("./glue.js", "_1", kind);
        let (end, _) = module.add_import_func("./glue.js", "_2", kind);
        let mut builder = FunctionBuilder::new(&mut module.types, &[], &[]);
        let arg = walrus::ir::MemArg { align: 4, offset: 0 };
        let store = walrus::ir::StoreKind::I32 { atomic: false };
        builder
            .func_body()
            .i32_const(0)
            .i32_const(1)
            .store(memory, store, arg)
            .call(page)
            .i32_const(8)
            .i32_const(2)
            .store(memory, store, arg)
            .call(end)
            .call(page);
        let id = builder.finish(Vec::new(), &mut module.funcs);
        let ends = HashSet::from([end]);
        let FunctionKind::Local(function) = &mut module.funcs.get_mut(id).kind else { panic!("imported") };
        let entry = function.entry_block();
        dfs_pre_order_mut(&mut Ends(&ends), function, entry);
        let left: Vec<&Instr> = function.block(entry).instrs.iter().map(|(instr, _)| instr).collect();
        assert!(
            matches!(
                left[..],
                [
                    Instr::Const(_),
                    Instr::Const(_),
                    Instr::Store(_),
                    Instr::Call(walrus::ir::Call { func }),
                    Instr::Unreachable(_)
                ] if *func == page
            ),
            "{left:?}"
        );
    }

    #[test]
    fn a_position_is_cleared_and_what_looks_like_one_is_not() {
        let mut data = b"src/engine/a.rsHello".to_vec();
        for word in [1_000_u32, 15, 12, 5, 1_015, 5, 7, 7] {
            data.extend(word.to_le_bytes());
        }
        assert_eq!(clear_positions(1_000, &mut data), 15 + 5);
        assert_eq!(data.get(..20), Some(&b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0Hello"[..]));
        assert_eq!(data.get(20..36), Some(&[0; 16][..]));
        assert_eq!(data.get(36..40), Some(&1_015_u32.to_le_bytes()[..]));
    }

    #[test]
    fn a_module_without_names_is_refused() {
        let mut module = Module::default();
        assert!(prune(&mut module, &Reach::default()).is_err());
    }
}
