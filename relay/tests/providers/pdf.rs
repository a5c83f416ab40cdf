//! PDFs that are meant to do harm: each costs its own reader, and no more.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use chinwag_relay::knowledge::read::Unreadable;
use chinwag_relay::knowledge::read::apart::{self, Bounds};
use flate2::{Compress, Compression, FlushCompress};

use crate::server::World;

const MEBIBYTE: usize = 1024 * 1024;

/// A PDF of one page whose content is `stream`, packed or not.
pub(crate) fn pdf(stream: &[u8], filter: &str) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    let content =
        [format!("<< {filter} /Length {} >>\nstream\n", stream.len()).as_bytes(), stream, b"\nendstream"]
            .concat();
    let objects: [&[u8]; 5] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        &content,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ];
    for (number, object) in objects.iter().enumerate() {
        places.push(file.len());
        writeln!(file, "{} 0 obj", number + 1).unwrap();
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let (table, size) = (file.len(), objects.len() + 1);
    let mut end = format!("xref\n0 {size}\n0000000000 65535 f \n");
    for place in places {
        writeln!(end, "{place:010} 00000 n ").unwrap();
    }
    write!(end, "trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF").unwrap();
    file.extend_from_slice(end.as_bytes());
    file
}

/// A zlib stream that unpacks to `piece`, over and over: one mebibyte of it is
/// packed to whole bytes, and the packed bytes are repeated.
fn packed(piece: &[u8], mebibytes: usize) -> Vec<u8> {
    let unpacked: Vec<u8> = piece.iter().copied().cycle().take(MEBIBYTE).collect();
    let mut compress = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(MEBIBYTE);
    compress.compress_vec(&unpacked, &mut block, FlushCompress::Full).unwrap();
    let mut stream = vec![0x78, 0xda];
    for _ in 0..mebibytes {
        stream.extend_from_slice(&block);
    }
    // An empty last block; the checksum is reached by nobody.
    stream.extend_from_slice(&[0x03, 0x00, 0, 0, 0, 0]);
    stream
}

/// The most memory that this process has had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pdf_that_unpacks_to_gigabytes_fails_alone_and_costs_the_relay_no_memory() {
    let world = World::new().await;
    let agent = world.make("Guide").await;
    let bomb = pdf(&packed(b" ", 4_096), "/Filter /FlateDecode");
    assert!(bomb.len() < 8 * MEBIBYTE, "{}", bomb.len());
    let before = peak();
    let failed = world.upload(&agent, "bomb.pdf", "application/pdf", &bomb).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert!(failed["reason"].as_str().unwrap().contains("more than 768 MiB"), "{failed}");
    let grown = peak().saturating_sub(before);
    assert!(grown < 128 * MEBIBYTE, "the relay itself took {} MiB", grown / MEBIBYTE);
    let good = pdf(b"BT /F1 12 Tf 72 700 Td (Gift wrapping costs three euro.) Tj ET", "");
    assert_eq!(world.upload(&agent, "gift.pdf", "application/pdf", &good).await["status"], "trained");
}

#[tokio::test]
async fn a_pdf_that_keeps_its_reader_busy_is_given_up_in_time() {
    apart::use_program(env!("CARGO_BIN_EXE_chinwag-relay").into());
    let busy = pdf(&packed(b"q 1 0 0 1 0 0 cm Q ", 256), "/Filter /FlateDecode");
    let bounds = Bounds { memory_bytes: 8 << 30, time: Duration::from_secs(2), text_bytes: MEBIBYTE };
    let began = Instant::now();
    let told = apart::pdf(busy, &bounds).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    let Unreadable::Pdf(reason) = told else { panic!("{told:?}") };
    assert!(reason.contains("longer than 2 s") || reason.contains("too much time"), "{reason}");
}
