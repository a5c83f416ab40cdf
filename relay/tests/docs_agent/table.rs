//! Right answers in tables: a question, the file and the heading that answer.

#![expect(clippy::print_stdout, reason = "the score and its misses are what one runs this for")]

use crate::{Reply, agent, ask, corpus, project_docs};

/// The part of a table that must be cited first.
const LEAST_RIGHT: f64 = 0.85;
const ROWS: u32 = 40;

struct Row<'a> {
    question: &'a str,
    file: &'a str,
    heading: &'a str,
}

fn rows(table: &str) -> Vec<Row<'_>> {
    table
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let mut fields = line.split('\t').map(str::trim);
            let mut next = || fields.next().unwrap_or_else(|| panic!("three fields: {line}"));
            Row { question: next(), file: next(), heading: next() }
        })
        .collect()
}

/// Whether the first source is the file and heading of the row.
fn is_right(reply: &Reply, name: &str, row: &Row<'_>) -> bool {
    reply.sources().first().is_some_and(|(url, title)| {
        let path = url.split('#').next().unwrap_or_default();
        let is_heading = *title == row.heading
            || title.strip_suffix(row.heading).is_some_and(|before| before.ends_with(": "));
        path == format!("{}/docs/{name}/{}", crate::ORIGIN, row.file) && is_heading
    })
}

async fn check(name: &str, folder: &std::path::Path, table: &str) {
    let agent = agent(name, folder).await;
    let rows = rows(table);
    assert_eq!(rows.len(), ROWS as usize, "rows of the table {name}");
    for row in &rows {
        let text = std::fs::read_to_string(folder.join(row.file)).unwrap_or_default();
        let is_there = text
            .lines()
            .any(|line| line.trim_start_matches('#').trim().replace('`', "") == row.heading.replace('`', ""));
        assert!(is_there, "{} has no heading {:?}: the table is out of date", row.file, row.heading);
    }
    let mut right = 0_u32;
    let mut report = Vec::new();
    for row in &rows {
        let reply = ask(&agent, row.question).await;
        if is_right(&reply, name, row) {
            right += 1;
        } else {
            let cited: Vec<_> = reply.sources().into_iter().map(|(_, title)| title).collect();
            report.push(format!(
                "  {}\n    wanted {}: {}\n    cited  {cited:?}",
                row.question, row.file, row.heading
            ));
        }
    }
    let report = report.join("\n");
    let share = f64::from(right) / f64::from(ROWS);
    println!("{name}: {right} of {} cited first ({:.1} %)\n{report}", rows.len(), share * 100.0);
    assert!(share >= LEAST_RIGHT, "{name}: only {right} of {}\n{report}", rows.len());
}

#[tokio::test]
async fn questions_about_a_shop_cite_the_section_that_answers() {
    check("harbour", &corpus("harbour"), include_str!("harbour.tsv")).await;
}

#[tokio::test]
async fn questions_about_this_project_cite_the_section_that_answers() {
    check("docs", &project_docs(), include_str!("project.tsv")).await;
}

#[tokio::test]
async fn what_the_documents_do_not_speak_of_is_not_cited() {
    let mut report = Vec::new();
    for (name, folder) in [("harbour", corpus("harbour")), ("docs", project_docs())] {
        let agent = agent(name, &folder).await;
        for question in include_str!("off_topic.tsv").lines().filter(|line| !line.is_empty()) {
            let reply = ask(&agent, question).await;
            if !reply.sources().is_empty() || !reply.text().contains("I found nothing") {
                report.push(format!("  {name}: {question}\n    cited {:?}", reply.sources()));
            }
        }
    }
    assert!(report.is_empty(), "cited for what is not there:\n{}", report.join("\n"));
}
