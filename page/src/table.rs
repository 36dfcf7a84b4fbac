//! Tables with a caption, and heads that say what they are the head of.

use crate::markup::Markup;

/// Cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Text, or markup.
    Text(Markup),
    /// A number, as it is written: aligned to the right.
    Number(String),
    /// No value, and why there is none.
    Nothing(String),
}

impl Cell {
    /// A text from anywhere.
    #[must_use]
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Markup::text(text.as_ref()))
    }

    /// A number, or why there is none.
    #[must_use]
    pub fn or(number: Option<String>, why: &str) -> Self {
        number.map_or_else(|| Self::Nothing(why.to_owned()), Self::Number)
    }
}

/// A table. The first cell of every row is the head of the row.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    caption: String,
    columns: Vec<(String, bool)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table under this caption.
    #[must_use]
    pub fn new(caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), columns: Vec::new(), rows: Vec::new() }
    }

    /// Adds a column of text.
    #[must_use]
    pub fn column(mut self, head: impl Into<String>) -> Self {
        self.columns.push((head.into(), false));
        self
    }

    /// Adds a column of numbers.
    #[must_use]
    pub fn numbers(mut self, head: impl Into<String>) -> Self {
        self.columns.push((head.into(), true));
        self
    }

    /// Adds a row. Cells beyond the columns are left out; missing ones stay empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut row: Vec<Cell> = cells.into_iter().take(self.columns.len()).collect();
        row.resize_with(self.columns.len(), || Cell::Text(Markup::default()));
        self.rows.push(row);
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as HTML, inside an area that scrolls sideways where it is too wide.
    #[must_use]
    pub fn html(&self) -> Markup {
        let caption = Markup::text(&self.caption);
        let mut out = format!("<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"{caption}\"><table>");
        out.push_str(&format!("<caption>{caption}</caption>\n<thead><tr>"));
        for (head, numbers) in &self.columns {
            out.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(*numbers), Markup::text(head)));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (k, cell) in row.iter().enumerate() {
                let (open, close) = if k == 0 { ("th scope=\"row\"", "th") } else { ("td", "td") };
                let (class, inside) = match cell {
                    Cell::Text(m) => ("", m.to_string()),
                    Cell::Number(n) => (class(true), Markup::text(n).to_string()),
                    Cell::Nothing(why) => (" class=\"none\"", Markup::text(why).to_string()),
                };
                out.push_str(&format!("<{open}{class}>{inside}</{close}>"));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table></div>\n");
        Markup::trusted(out)
    }
}

fn class(numbers: bool) -> &'static str {
    if numbers { " class=\"n\"" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_have_scopes_and_cells_are_escaped() {
        let mut t = Table::new("a <b>").column("who").numbers("Hz");
        t.row([Cell::text("<i>"), Cell::or(Some("1.5".into()), "")]);
        t.row([Cell::text("x"), Cell::or(None, "no voice")]);
        t.row([]);
        let html = t.html().to_string();
        assert!(html.contains("<caption>a &lt;b&gt;</caption>"), "{html}");
        assert!(html.contains("<th scope=\"col\">who</th><th scope=\"col\" class=\"n\">Hz</th>"));
        assert!(html.contains("<th scope=\"row\">&lt;i&gt;</th><td class=\"n\">1.5</td>"));
        assert!(html.contains("<td class=\"none\">no voice</td>"));
        assert_eq!(html.matches("<tr>").count(), 4);
    }
}
