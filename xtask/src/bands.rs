//! Lays the module's code out in bands, so that brotli packs it closer.
//!
//! In a module, the instructions stand with all that they name between them:
//! locals, constants, offsets, functions. Each of these kinds repeats itself, but
//! mixed they hide it from a compressor. So the code is sent as one band for each
//! kind, as Java's Pack200 does with classes and WOFF2 with outlines, and
//! `npm/src/bands.js` puts it together again before it is compiled. It costs a page
//! milliseconds, and saves it an eighth of the module.
//!
//! The result is a valid module with nothing in it but a section of its own, so
//! that servers, proxies and caches treat it as what its name says. Every byte of
//! an instruction comes back as it was; sections that only tools read are left out.
//!
//! The section holds, every number as LEB128: the size of the module and of its
//! section of code; the instructions (how many, then for each its byte in the
//! first band, the number of its steps and the steps, each of two bytes); the
//! lengths of the bands; the length of what stands before the code, the number of
//! functions; then what stands before the code, what after it, and the bands.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::ops::Range;
use wasmparser::{Parser, Payload, Validator};

/// The name of the section.
pub const SECTION: &str = "bands";

/// A module in bands, and where its kinds of content begin: brotli does well to
/// begin anew there.
#[derive(Debug, Clone)]
pub struct Banded {
    /// The file.
    pub bytes: Vec<u8>,
    /// Offsets in it, in order.
    pub seams: Vec<usize>,
}

/// What the bands hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Band {
    /// Which instructions, in order.
    Code,
    Local,
    Constant,
    /// Constants that are added or subtracted.
    Addend,
    Offset,
    Function,
    /// Types of blocks.
    Block,
    /// The declarations of locals, at the head of each function.
    Head,
    Wide,
    Branch,
    /// Lists of branches.
    Switch,
    /// Floating point, and what is too rare for a band of its own.
    Other,
}

const BANDS: usize = Band::Other as usize + 1;

/// Bands that are shorter do not pay for a seam.
const WORTH_A_SEAM: usize = 3_000;

/// What is done to put an instruction together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// Writes the byte.
    Byte(u8),
    /// Takes one number out of a band.
    Number(Band),
    /// Takes so many bytes out of the band of what is rare.
    Bytes(u8),
    /// Takes a number out of a band, and as many more and one.
    Numbers(Band),
}

impl Step {
    /// As `npm/src/bands.js` reads it.
    fn written(self) -> [u8; 2] {
        match self {
            Self::Byte(byte) => [0, byte],
            Self::Number(band) => [1, band as u8],
            Self::Bytes(count) => [2, count],
            Self::Numbers(band) => [3, band as u8],
        }
    }
}

/// Lays out a module.
///
/// # Errors
///
/// A module that is not valid, or has instructions that are not known here.
pub fn pack(wasm: &[u8]) -> Result<Banded> {
    Validator::new().validate_all(wasm).context("a module to be laid out in bands")?;
    let sections = Sections::read(wasm)?;
    let mut bands: Vec<Vec<u8>> = vec![Vec::new(); BANDS];
    // Every instruction of every function, as the steps that make it.
    let mut code: Vec<Vec<Step>> = Vec::new();
    for body in &sections.bodies {
        let mut reader = Reader { bytes: wasm, at: body.start };
        let groups = reader.number()?;
        for _ in 0..groups * 2 {
            reader.number()?;
        }
        bands[Band::Head as usize].extend(reader.since(body.start));
        while reader.at < body.end {
            code.push(reader.instruction(&mut bands)?);
        }
    }
    let codes = numbered(&code)?;
    bands[Band::Code as usize] = code.iter().map(|steps| codes[steps.as_slice()]).collect();

    let mut table = Vec::new();
    for (steps, code) in &codes {
        table.push(*code);
        leb(&mut table, steps.len());
        table.extend(steps.iter().flat_map(|step| step.written()));
    }
    let mut content = Vec::new();
    let size = sections.code_size();
    leb(&mut content, sections.before.len() + 1 + length_of(size) + size + sections.after.len());
    leb(&mut content, size);
    leb(&mut content, codes.len());
    content.extend(table);
    for band in &bands {
        leb(&mut content, band.len());
    }
    leb(&mut content, sections.before.len());
    leb(&mut content, sections.bodies.len());
    let mut seams = vec![content.len()];
    content.extend(&sections.before);
    seams.push(content.len());
    content.extend(&sections.after);
    let mut is_long = true;
    for band in &bands {
        if is_long || band.len() >= WORTH_A_SEAM {
            seams.push(content.len());
        }
        is_long = band.len() >= WORTH_A_SEAM;
        content.extend(band);
    }

    let mut bytes = wasm.get(..HEAD).context("a module without a head")?.to_vec();
    bytes.push(0);
    leb(&mut bytes, content.len() + 1 + SECTION.len());
    leb(&mut bytes, SECTION.len());
    bytes.extend(SECTION.bytes());
    let start = bytes.len();
    bytes.extend(content);
    for seam in &mut seams {
        *seam += start;
    }
    Ok(Banded { bytes, seams })
}

/// The sections of a module, and where its functions are.
#[derive(Debug, Default)]
struct Sections {
    before: Vec<u8>,
    after: Vec<u8>,
    bodies: Vec<Range<usize>>,
}

impl Sections {
    fn read(wasm: &[u8]) -> Result<Self> {
        let mut sections = Self::default();
        let mut is_after = false;
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            match &payload {
                Payload::Version { range, .. } => sections.before.extend(&wasm[range.clone()]),
                Payload::CodeSectionStart { .. } => is_after = true,
                Payload::CodeSectionEntry(body) => sections.bodies.push(body.range()),
                Payload::CustomSection(_) => {}
                _ => {
                    if let Some((id, range)) = payload.as_section() {
                        let out = if is_after { &mut sections.after } else { &mut sections.before };
                        out.push(id);
                        leb(out, range.len());
                        out.extend(&wasm[range]);
                    }
                }
            }
        }
        if !is_after {
            bail!("a module without code");
        }
        Ok(sections)
    }

    /// The section of code, with each number in as few bytes as it needs.
    fn code_size(&self) -> usize {
        let bodies = self.bodies.iter().map(|body| length_of(body.len()) + body.len());
        length_of(self.bodies.len()) + bodies.sum::<usize>()
    }
}

/// Reads instructions.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8> {
        self.at += 1;
        self.bytes.get(self.at - 1).copied().context("code that ends within an instruction")
    }

    /// A number in LEB128, of which only the lowest bits count here.
    fn number(&mut self) -> Result<usize> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            if shift < 32 {
                value |= usize::from(byte & 0x7f) << shift;
            }
            shift += 7;
            if byte < 0x80 {
                return Ok(value);
            }
        }
    }

    fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// Puts a number into its band.
    fn put(&mut self, bands: &mut [Vec<u8>], band: Band) -> Result<Step> {
        let start = self.at;
        self.number()?;
        bands[band as usize].extend(self.since(start));
        Ok(Step::Number(band))
    }

    /// A number that is part of what the instruction is.
    fn fixed(&mut self) -> Result<Step> {
        match self.byte()? {
            byte @ 0..0x80 => Ok(Step::Byte(byte)),
            byte => bail!("the number {byte:#x} and more where the bands have one byte"),
        }
    }

    /// Takes one instruction apart.
    fn instruction(&mut self, bands: &mut [Vec<u8>]) -> Result<Vec<Step>> {
        let opcode = self.byte()?;
        let mut steps = vec![Step::Byte(opcode)];
        match opcode {
            // Control without numbers, and all that only computes.
            0x00 | 0x01 | 0x05 | 0x0b | 0x0f | 0x1a | 0x1b | 0x45..=0xc4 | 0xd1 => {}
            0x02..=0x04 => steps.push(self.put(bands, Band::Block)?),
            0x0c | 0x0d => steps.push(self.put(bands, Band::Branch)?),
            0x0e => {
                let start = self.at;
                for _ in 0..=self.number()? {
                    self.number()?;
                }
                bands[Band::Switch as usize].extend(self.since(start));
                steps.push(Step::Numbers(Band::Switch));
            }
            0x10 | 0xd2 => steps.push(self.put(bands, Band::Function)?),
            0x11 => steps.extend([self.put(bands, Band::Other)?, self.fixed()?]),
            0x20..=0x22 => steps.push(self.put(bands, Band::Local)?),
            // One type between two.
            0x1c => steps.extend([self.fixed()?, self.fixed()?]),
            // A table, a global, the memory, a type of references.
            0x23..=0x26 | 0x3f | 0x40 | 0xd0 => steps.push(self.fixed()?),
            0x28..=0x3e => steps.extend([self.fixed()?, self.put(bands, Band::Offset)?]),
            0x41 => {
                let start = self.at;
                self.number()?;
                let is_addend = matches!(self.bytes.get(self.at), Some(0x6a | 0x6b));
                let band = if is_addend { Band::Addend } else { Band::Constant };
                bands[band as usize].extend(self.since(start));
                steps.push(Step::Number(band));
                if is_addend {
                    steps.push(self.fixed()?);
                }
            }
            0x42 => steps.push(self.put(bands, Band::Wide)?),
            0x43 | 0x44 => {
                let count = if opcode == 0x43 { 4 } else { 8 };
                let start = self.at;
                self.at += usize::from(count);
                bands[Band::Other as usize].extend(self.since(start));
                steps.push(Step::Bytes(count));
            }
            0xfc => {
                let kind = self.byte()?;
                steps.push(Step::Byte(kind));
                match kind {
                    // Numbers of floating point to integers.
                    0..=7 => {}
                    // Memory and tables: copy and fill, grow and size.
                    10 | 14 => steps.extend([self.fixed()?, self.fixed()?]),
                    11 | 15..=17 => steps.push(self.fixed()?),
                    _ => bail!("the instruction 0xfc {kind:#x} is not known to the bands"),
                }
            }
            _ => bail!("the instruction {opcode:#x} is not known to the bands"),
        }
        Ok(steps)
    }
}

/// A byte for each instruction: its own if that is free, the most frequent first.
fn numbered(code: &[Vec<Step>]) -> Result<BTreeMap<&[Step], u8>> {
    let mut counts: BTreeMap<&[Step], usize> = BTreeMap::new();
    for steps in code {
        *counts.entry(steps).or_default() += 1;
    }
    let opcode = |steps: &[Step]| match steps.first() {
        Some(Step::Byte(opcode)) => Some(*opcode),
        _ => None,
    };
    let mut free: Vec<u8> =
        (0..=u8::MAX).filter(|byte| counts.keys().all(|steps| opcode(steps) != Some(*byte))).collect();
    let mut order: Vec<_> = counts.into_iter().collect();
    order.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut codes = BTreeMap::new();
    for (steps, _) in order {
        let own = opcode(steps).filter(|own| !codes.values().any(|taken| taken == own));
        let byte = own.or_else(|| free.pop()).context("more kinds of instructions than a byte can tell")?;
        codes.insert(steps, byte);
    }
    Ok(codes)
}

/// How many bytes a number takes.
fn length_of(number: usize) -> usize {
    let mut bytes = Vec::new();
    leb(&mut bytes, number);
    bytes.len()
}

fn leb(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let byte = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// The magic number and the version.
const HEAD: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{
        BlockType, CodeSection, ConstExpr, CustomSection, ExportKind, ExportSection, Function,
        FunctionSection, GlobalSection, GlobalType, Ieee64, InstructionSink, MemArg, MemorySection,
        MemoryType, Module, TypeSection, ValType,
    };

    /// One function of what `write` writes, which gives nothing.
    fn module(write: impl Fn(&mut InstructionSink<'_>)) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut functions = FunctionSection::new();
        functions.function(0).function(0);
        let mut memories = MemorySection::new();
        let memory =
            MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None };
        memories.memory(memory);
        let mut globals = GlobalSection::new();
        let kind = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(kind, &ConstExpr::i32_const(0));
        let mut exports = ExportSection::new();
        exports.export("run", ExportKind::Func, 0);
        let mut code = CodeSection::new();
        let mut function = Function::new([(2, ValType::I32), (1, ValType::F64)]);
        write(&mut function.instructions());
        function.instructions().end();
        code.function(&function);
        // Longer than a length of one byte tells.
        let mut long = Function::new([]);
        for _ in 0..100 {
            long.instructions().i32_const(300).drop();
        }
        long.instructions().end();
        code.function(&long);
        let mut module = Module::new();
        module.section(&types).section(&functions).section(&memories).section(&globals).section(&exports);
        module.section(&code);
        module.section(&CustomSection { name: "name".into(), data: (&[0, 1, 0][..]).into() });
        module.finish()
    }

    fn everything(code: &mut InstructionSink<'_>) {
        let place = |align, offset| MemArg { align, offset, memory_index: 0 };
        code.block(BlockType::Empty).loop_(BlockType::Empty);
        code.i32_const(-5).i32_const(1_048_576).i32_add().local_tee(0).i32_load(place(2, 300)).drop();
        code.local_get(0).i32_load(place(0, 4)).local_set(1);
        code.i64_const(-1_000_000_000_000).drop().f64_const(Ieee64::from(0.1)).local_set(2);
        code.local_get(1).if_(BlockType::Empty).call(1).else_().br(1).end();
        code.local_get(2).i32_trunc_sat_f64_s().br_table([0, 1, 0], 1).end().end();
        code.i32_const(0).i32_const(0).i32_const(8).memory_copy(0, 0);
        code.i32_const(0).i32_const(0).i32_const(8).memory_fill(0).memory_size(0).drop();
        code.global_get(0).i32_const(16).i32_sub().global_set(0).unreachable();
    }

    /// What `npm/src/bands.js` does.
    fn whole(module: &Banded) -> Vec<u8> {
        let mut reader = Reader { bytes: &module.bytes, at: HEAD + 1 };
        reader.number().expect("the length of the section");
        let name = reader.number().expect("the length of the name");
        reader.at += name;
        let size = reader.number().expect("a size");
        let code_size = reader.number().expect("a size of the code");
        let mut instructions: BTreeMap<u8, Vec<[u8; 2]>> = BTreeMap::new();
        for _ in 0..reader.number().expect("a count") {
            let code = reader.byte().expect("a code");
            let steps = reader.number().expect("a count");
            let mut step = || [reader.byte().expect("a step"), reader.byte().expect("its number")];
            instructions.insert(code, (0..steps).map(|_| step()).collect());
        }
        let lengths: Vec<usize> = (0..BANDS).map(|_| reader.number().expect("a length")).collect();
        let (before, functions) = (reader.number().expect("a length"), reader.number().expect("a count"));
        let mut out = module.bytes[reader.at..reader.at + before].to_vec();
        let bands_start = module.bytes.len() - lengths.iter().sum::<usize>();
        let after = &module.bytes[reader.at + before..bands_start];
        let mut start = bands_start;
        let mut bands: Vec<Reader<'_>> = Vec::new();
        for length in lengths {
            bands.push(Reader { bytes: &module.bytes, at: start });
            start += length;
        }
        out.push(10);
        leb(&mut out, code_size);
        leb(&mut out, functions);
        for _ in 0..functions {
            let mut body = Vec::new();
            let take = |bands: &mut Vec<Reader<'_>>, body: &mut Vec<u8>, band: usize| {
                let from = bands[band].at;
                let number = bands[band].number().expect("a number");
                body.extend(bands[band].since(from));
                number
            };
            for _ in 0..2 * take(&mut bands, &mut body, Band::Head as usize) {
                take(&mut bands, &mut body, Band::Head as usize);
            }
            let mut depth = 1;
            while depth > 0 {
                let code = bands[Band::Code as usize].byte().expect("a code");
                let steps = &instructions[&code];
                for [kind, what] in steps {
                    match kind {
                        0 => body.push(*what),
                        1 => {
                            take(&mut bands, &mut body, usize::from(*what));
                        }
                        2 => {
                            for _ in 0..*what {
                                body.push(bands[Band::Other as usize].byte().expect("a byte"));
                            }
                        }
                        _ => {
                            for _ in 0..=take(&mut bands, &mut body, usize::from(*what)) {
                                take(&mut bands, &mut body, usize::from(*what));
                            }
                        }
                    }
                }
                depth += match steps[0][1] {
                    2..=4 => 1,
                    11 => -1,
                    _ => 0,
                };
            }
            leb(&mut out, body.len());
            out.extend(body);
        }
        out.extend(after);
        assert_eq!(out.len(), size);
        out
    }

    #[test]
    fn every_byte_of_the_code_comes_back() {
        let plain = module(everything);
        let banded = pack(&plain).expect("bands");
        Validator::new().validate_all(&banded.bytes).expect("a valid module");
        let whole = whole(&banded);
        Validator::new().validate_all(&whole).expect("a valid module");
        // But for the section of names, which only tools read.
        assert_eq!(whole, plain[..whole.len()]);
        assert_eq!(plain.len() - whole.len(), 10);
    }

    #[test]
    fn an_instruction_has_one_byte_however_it_is_aligned() {
        let banded = pack(&module(everything)).expect("bands");
        assert!(banded.seams.is_sorted() && banded.seams.iter().all(|seam| *seam < banded.bytes.len()));
        let code = [
            vec![Step::Byte(0x28), Step::Byte(2), Step::Number(Band::Offset)],
            vec![Step::Byte(0x28), Step::Byte(0), Step::Number(Band::Offset)],
            vec![Step::Byte(0x28), Step::Byte(2), Step::Number(Band::Offset)],
        ];
        let codes = numbered(&code).expect("numbers");
        assert_eq!(codes[code[0].as_slice()], 0x28, "the more frequent one keeps its own");
        assert_ne!(codes[code[1].as_slice()], 0x28);
    }

    #[test]
    fn an_instruction_that_is_not_known_is_named() {
        let error = pack(&module(|code| {
            code.v128_const(0).drop();
        }));
        assert!(format!("{:#}", error.expect_err("of vectors")).contains("0xfd"));
    }
}
