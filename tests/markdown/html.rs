//! The HTML of what the examples of bare addresses hold, for comparison with
//! the specification. The widget itself makes no HTML.

use chinwag::engine::markdown::{Block, Inline};

pub(crate) fn write(blocks: &[Block]) -> String {
    let paragraph = |block: &Block| match block {
        Block::Paragraph(inlines) => format!("<p>{}</p>\n", inlines.iter().map(inline).collect::<String>()),
        other => panic!("no paragraph: {other:?}"),
    };
    blocks.iter().map(paragraph).collect()
}

fn inline(inline: &Inline) -> String {
    match inline {
        Inline::Text(text) => escape(text),
        Inline::Link { href, children, .. } => {
            let label: String = children.iter().map(self::inline).collect();
            format!("<a href=\"{}\">{label}</a>", escape(href.as_str()))
        }
        Inline::SoftBreak => "\n".to_owned(),
        other => panic!("neither text nor link: {other:?}"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
