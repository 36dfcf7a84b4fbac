//! Figures: a drawing with a name, and its numbers as a table.

use crate::markup::Markup;
use crate::table::Table;

/// A drawing, what it shows in words, and the same numbers as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Identifier, unique in the page: letters, digits and hyphens.
    pub id: String,
    /// What it is, in a few words: its heading, and the name of the drawing.
    pub title: String,
    /// What it shows, in a sentence or two, for those who do not see it.
    pub description: String,
    /// How to read it; may be empty.
    pub note: Markup,
    /// The drawing: an `<svg>` element of [`crate::Svg::element`] or of a plotting library.
    pub svg: String,
    /// Whether the drawing keeps its width and scrolls where there is little room, instead of shrinking.
    pub wide: bool,
    /// The same numbers, all of them.
    pub tables: Vec<Table>,
}

impl Figure {
    /// The figure as HTML.
    #[must_use]
    pub fn html(&self) -> Markup {
        let (id, title) = (escape_id(&self.id), Markup::text(&self.title));
        let named = format!(
            "<svg role=\"img\" aria-labelledby=\"{id}-title {id}-desc\"{rest}",
            rest = opened(
                &self.svg,
                &format!(
                    "<title id=\"{id}-title\">{title}</title><desc id=\"{id}-desc\">{}</desc>",
                    Markup::text(&self.description)
                )
            )
        );
        let note = if self.note.as_str().is_empty() { String::new() } else { format!(" <span>{}</span>", self.note) };
        let (class, scroll) = if self.wide {
            (" class=\"wide\"", format!(" class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"{title}\""))
        } else {
            ("", " class=\"drawing\"".to_owned())
        };
        Markup::trusted(format!(
            "<figure id=\"{id}\"{class}>\n<figcaption><strong>{title}</strong>{note}</figcaption>\n<div{scroll}>{named}</div>\n\
             <details><summary>The numbers of this figure</summary>\n{}</details>\n</figure>\n",
            self.tables.iter().map(|t| t.html().to_string()).collect::<String>()
        ))
    }
}

/// What of an identifier may be one.
fn escape_id(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// The rest of an `<svg>` element, with something put in at its beginning.
fn opened(svg: &str, first: &str) -> String {
    let rest = svg.trim_start().strip_prefix("<svg").unwrap_or(svg);
    match rest.split_once('>') {
        Some((attributes, body)) => format!("{attributes}>{first}{body}"),
        None => format!(">{first}</svg>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, Svg};

    #[test]
    fn a_drawing_has_a_name_and_its_numbers() {
        let mut table = Table::new("t").column("a").numbers("b");
        table.row([Cell::text("x"), Cell::Number("1".into())]);
        let figure = Figure {
            id: "f 1".into(),
            title: "What <it> is".into(),
            description: "It rises.".into(),
            note: Markup::default(),
            svg: Svg::new(1.0, 2.0).element(),
            wide: false,
            tables: vec![table],
        };
        let html = figure.html().to_string();
        assert!(html.contains("<svg role=\"img\" aria-labelledby=\"f-1-title f-1-desc\" xmlns="), "{html}");
        assert!(
            html.contains("<title id=\"f-1-title\">What &lt;it&gt; is</title><desc id=\"f-1-desc\">It rises.</desc>")
        );
        assert!(html.contains("<details>") && html.contains("<caption>t</caption>"));
    }
}
