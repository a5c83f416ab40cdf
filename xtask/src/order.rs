//! Puts the functions of a module in an order in which like stands beside like:
//! a compressor tells what it has seen a short while ago in fewer bits.
//!
//! What two functions have in common is counted by the runs of four instructions
//! that are in both; one that is rare says more than one that every function has.
//! From each function the order goes on to the one that is most like it. Only
//! whole numbers decide, so that every machine comes to the same order.

use anyhow::{Context, Result, anyhow};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{CodeSectionReader, FunctionSectionReader, Parser, Payload, TypeRef};

/// The module with its functions in that order.
pub fn order(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut imported = 0;
    let mut runs = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut opcodes = Vec::new();
                for operator in body.get_operators_reader()?.into_iter_with_offsets() {
                    let (_, at) = operator?;
                    opcodes.push(*wasm.get(at).context("an instruction outside of the module")?);
                }
                runs.push(opcodes.windows(RUN).map(<[u8]>::to_vec).collect());
            }
            _ => {}
        }
    }
    let mut places = vec![0; runs.len()];
    let order = by_likeness(&runs);
    for (place, function) in order.iter().enumerate() {
        places[*function] = imported + u32::try_from(place)?;
    }
    let mut ordered = Module::new();
    Ordered { imported, places, order }
        .parse_core_module(&mut ordered, Parser::new(0), wasm)
        .map_err(|error| anyhow!("{error}"))
        .context("a module that is put in order")?;
    Ok(ordered.finish())
}

/// How many instructions are compared at a time.
const RUN: usize = 4;

/// The functions, each told by its runs of instructions, in an order in which
/// each is followed by the one that is most like it.
fn by_likeness(functions: &[BTreeSet<Vec<u8>>]) -> Vec<usize> {
    let mut holders: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (function, runs) in functions.iter().enumerate() {
        for run in runs {
            holders.entry(run).or_default().push(function);
        }
    }
    // How much a run says: nothing if every second function has it.
    let weight = |holders: &[usize]| u64::from((functions.len() / holders.len()).max(1).ilog2()).pow(2);
    let sizes: Vec<u64> = functions
        .iter()
        .map(|runs| {
            1 + runs
                .iter()
                .filter_map(|run| holders.get(run.as_slice()))
                .map(|list| weight(list))
                .sum::<u64>()
        })
        .collect();
    let mut by_size: Vec<usize> = (0..functions.len()).collect();
    by_size.sort_by_key(|function| (sizes[*function], *function));
    let mut left = vec![true; functions.len()];
    let mut order = Vec::new();
    let mut next = by_size.first().copied();
    let mut rest = by_size.into_iter();
    while let Some(current) = next {
        left[current] = false;
        order.push(current);
        let mut shared = vec![0_u64; functions.len()];
        for holders in functions[current].iter().filter_map(|run| holders.get(run.as_slice())) {
            let weight = weight(holders);
            if weight > 0 {
                for other in holders {
                    shared[*other] += weight;
                }
            }
        }
        // By what is shared, over the root of what there is: a large function has
        // something of everything.
        let likeness =
            |function: usize| u128::from(shared[function]).pow(2) * SCALE / u128::from(sizes[function]);
        next = (0..functions.len())
            .filter(|function| left[*function] && shared[*function] > 0)
            .max_by_key(|function| (likeness(*function), std::cmp::Reverse(*function)))
            .or_else(|| rest.find(|function| left[*function]));
    }
    order
}

/// Keeps small differences apart in whole numbers.
const SCALE: u128 = 1 << 32;

/// Writes a module with its functions in another order.
struct Ordered {
    imported: u32,
    /// The new index of each function of the module's own.
    places: Vec<u32>,
    order: Vec<usize>,
}

impl Reencode for Ordered {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Infallible>> {
        let own = function.checked_sub(self.imported).and_then(|own| self.places.get(own as usize));
        Ok(own.copied().unwrap_or(function))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let types = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for function in &self.order {
            functions.function(types[*function]);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        let bodies = section.into_iter().collect::<Result<Vec<_>, _>>()?;
        for function in self.order.clone() {
            utils::parse_function_body(self, code, bodies[function].clone())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walrus::{FunctionBuilder, FunctionKind, ModuleConfig, ValType};

    fn runs(words: &[&str]) -> BTreeSet<Vec<u8>> {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn like_stands_beside_like() {
        let functions = [
            runs(&["add1", "add2", "all0"]),
            runs(&["text", "word", "all0", "else"]),
            runs(&["add1", "add2", "add3", "all0"]),
            runs(&["text", "word", "more", "all0"]),
            runs(&["else", "last", "all0", "none"]),
        ];
        let order = by_likeness(&functions);
        let place = |function| order.iter().position(|found| *found == function).expect("each is there");
        assert_eq!(order.len(), 5);
        assert_eq!(place(0).abs_diff(place(2)), 1, "{order:?}");
        assert_eq!(place(1).abs_diff(place(3)), 1, "{order:?}");
    }

    #[test]
    fn who_is_called_is_still_called() {
        let mut module = walrus::Module::default();
        let kind = module.types.add(&[], &[ValType::I32]);
        module.add_import_func("./glue.js", "a", kind);
        let mut number = |value: i32, count: usize| {
            let mut builder = FunctionBuilder::new(&mut module.types, &[], &[ValType::I32]);
            let mut body = builder.func_body();
            body.i32_const(value);
            for _ in 0..count {
                body.i32_const(value).binop(walrus::ir::BinaryOp::I32Add);
            }
            builder.finish(Vec::new(), &mut module.funcs)
        };
        let functions = [number(1, 9), number(2, 1), number(3, 8)];
        for (name, function) in ["one", "two", "three"].into_iter().zip(functions) {
            let mut builder = FunctionBuilder::new(&mut module.types, &[], &[ValType::I32]);
            builder.func_body().call(function);
            let caller = builder.finish(Vec::new(), &mut module.funcs);
            module.exports.add(name, caller);
        }
        let before = module.emit_wasm();
        let after = order(&before).expect("an order");
        assert_ne!(before, after);
        wasmparser::Validator::new().validate_all(&after).expect("a valid module");
        let after = ModuleConfig::new().parse(&after).expect("a module");
        for (name, value) in [("one", 1), ("two", 2), ("three", 3)] {
            let caller = after.exports.get_func(name).expect("an export");
            let FunctionKind::Local(caller) = &after.funcs.get(caller).kind else { panic!("imported") };
            let walrus::ir::Instr::Call(call) = &caller.block(caller.entry_block()).instrs[0].0 else {
                panic!("no call")
            };
            let FunctionKind::Local(target) = &after.funcs.get(call.func).kind else { panic!("imported") };
            let walrus::ir::Instr::Const(first) = &target.block(target.entry_block()).instrs[0].0 else {
                panic!("no constant")
            };
            assert!(matches!(first.value, walrus::ir::Value::I32(found) if found == value), "{name}");
        }
    }
}
