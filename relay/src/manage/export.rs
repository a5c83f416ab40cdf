//! Exports of conversations: one row for each message, as JSON lines or CSV.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::Refusal;
use super::agent::page;
use super::source::Desk;
use crate::store::{ExportFilter, ExportRow};

/// Most rows of a page, and how many there are if the caller does not say.
const MAX_ROWS: usize = 1_000;
const DEFAULT_ROWS: usize = 100;

/// The columns, in order.
pub const COLUMNS: [&str; 12] = [
    "conversation_id",
    "site",
    "visitor",
    "title",
    "state",
    "message_id",
    "role",
    "content",
    "status",
    "feedback",
    "feedback_reason",
    "created_at",
];

/// What an export is asked for.
#[derive(Debug, Clone, Default)]
pub struct ExportQuery {
    /// Written then or later: a date, or a time by RFC 3339.
    pub since: Option<String>,
    /// Written before: the same.
    pub until: Option<String>,
    /// Of one site.
    pub site: Option<String>,
    /// 1 to 1,000.
    pub page_size: Option<String>,
    /// Of the page before.
    pub cursor: Option<String>,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object a line.
    Ndjson,
    /// RFC 4180, with a line of names.
    Csv,
}

impl ExportFormat {
    /// The format of a word.
    pub fn parse(word: &str) -> Result<Self, Refusal> {
        match word {
            "ndjson" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            _ => Err(Refusal::invalid("format", "format is ndjson or csv")),
        }
    }

    /// What comes before the rows.
    pub fn head(self) -> Vec<u8> {
        match self {
            Self::Ndjson => Vec::new(),
            Self::Csv => csv_line(&COLUMNS.map(str::to_owned)),
        }
    }

    /// One row, as [`show`] gives it, with the end of its line.
    pub fn row(self, row: &Value) -> Vec<u8> {
        match self {
            Self::Ndjson => {
                let mut line = row.to_string().into_bytes();
                line.push(b'\n');
                line
            }
            Self::Csv => {
                let cell = |column| match row.get(column) {
                    Some(Value::String(text)) => harmless(text),
                    None | Some(Value::Null) => String::new(),
                    Some(other) => other.to_string(),
                };
                csv_line(&COLUMNS.map(cell))
            }
        }
    }
}

impl Desk<'_> {
    /// A page of the messages.
    pub async fn export(&self, query: &ExportQuery) -> Result<Value, Refusal> {
        let limit = match query.page_size.as_deref() {
            None => DEFAULT_ROWS,
            Some(text) => text
                .parse()
                .ok()
                .filter(|size| (1..=MAX_ROWS).contains(size))
                .ok_or_else(|| Refusal::invalid("page_size", format!("page_size is 1 to {MAX_ROWS}")))?,
        };
        let filter = ExportFilter {
            since: query.since.as_deref().map(|text| moment("since", text)).transpose()?,
            until: query.until.as_deref().map(|text| moment("until", text)).transpose()?,
            site: query.site.clone(),
        };
        let listed = self.store.export(self.mode, &filter, query.cursor.as_deref(), limit).await?;
        Ok(page(listed, |row| show(&row)))
    }
}

/// A row as callers see it.
pub fn show(row: &ExportRow) -> Value {
    json!({
        "conversation_id": row.conversation,
        "site": row.site,
        "visitor": row.visitor,
        "title": row.title,
        "state": row.state,
        "message_id": row.message,
        "role": row.role,
        "content": row.content,
        "status": row.status,
        "feedback": row.feedback,
        "feedback_reason": row.feedback_reason,
        "created_at": row.created_at,
    })
}

/// A date (its beginning by UTC) or a time, in ms since 1970.
fn moment(param: &str, text: &str) -> Result<i64, Refusal> {
    let date = format_description!("[year]-[month]-[day]");
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .or_else(|| Some(time::Date::parse(text, &date).ok()?.midnight().assume_utc()));
    let millis = time.and_then(|time| i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok());
    millis.ok_or_else(|| {
        Refusal::invalid(
            param,
            format!("{param} is a date or time such as 2026-11-22 or 2026-11-22T10:00:00Z"),
        )
    })
}

/// A cell that a spreadsheet takes for text: what begins as a formula does is
/// quoted, since visitors write these cells.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

fn csv_line(cells: &[String]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Into memory: it cannot fail.
    let _ = writer.write_record(cells);
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_line_of_csv_that_no_spreadsheet_runs() {
        let row = json!({ "conversation_id": "c", "content": "a \"b\",\nc", "title": "=HYPERLINK(1)", "feedback": null });
        let line = String::from_utf8(ExportFormat::Csv.row(&row)).unwrap();
        assert_eq!(line, "c,,,'=HYPERLINK(1),,,,\"a \"\"b\"\",\nc\",,,,\r\n");
        assert!(ExportFormat::Csv.head().starts_with(b"conversation_id,site,"));
        assert_eq!(ExportFormat::Ndjson.row(&json!({ "a": 1 })), b"{\"a\":1}\n");
    }

    #[test]
    fn times_are_dates_or_rfc_3339() {
        assert_eq!(moment("since", "1970-01-02").unwrap(), 86_400_000);
        assert_eq!(moment("since", "1970-01-01T01:00:00+01:00").unwrap(), 0);
        for bad in ["yesterday", "2026-13-01", "1970"] {
            assert_eq!(moment("until", bad).unwrap_err().param.as_deref(), Some("until"), "{bad}");
        }
    }
}
