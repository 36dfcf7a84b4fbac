//! Drawings as SVG: shapes with classes, whose colours come from the page's sheet.

use crate::markup::Markup;
use std::fmt::Write;

/// Where a text begins from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The point is the start of the text.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A drawing. Lengths are in units of its view box; classes are those of the page's sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// A length to a tenth of a unit, without zeros at the end.
fn short(v: f64) -> String {
    let v = if v.is_finite() { (v * 10.0).round() / 10.0 + 0.0 } else { 0.0 };
    v.to_string()
}

impl Svg {
    /// An empty drawing.
    #[must_use]
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Its width.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.width
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        let _ = self.body.write_fmt(text);
        self.body.push('\n');
    }

    /// Opens a group.
    pub fn open(&mut self, class: &str) {
        self.put(format_args!("<g class=\"{class}\">"));
    }

    /// Closes the last group that is open.
    pub fn close(&mut self) {
        self.put(format_args!("</g>"));
    }

    /// A line.
    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(short);
        self.put(format_args!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" class=\"{class}\"/>"));
    }

    /// A rectangle with corners of this radius.
    pub fn rect(&mut self, (x, y): (f64, f64), (w, h): (f64, f64), radius: f64, class: &str) {
        let [x, y, w, h, r] = [x, y, w.max(0.0), h.max(0.0), radius].map(short);
        self.put(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{r}\" class=\"{class}\"/>"));
    }

    /// A dot.
    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, class: &str) {
        let [x, y, r] = [x, y, radius].map(short);
        self.put(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" class=\"{class}\"/>"));
    }

    /// Lines through points; a hole in them is a hole in the line, and a point between two holes a dot.
    pub fn curve(&mut self, points: impl IntoIterator<Item = Option<(f64, f64)>>, class: &str) {
        let mut path = String::new();
        let mut run: Vec<(f64, f64)> = Vec::new();
        let mut alone = Vec::new();
        for p in points.into_iter().chain([None]) {
            if let Some(p) = p {
                run.push(p);
                continue;
            }
            match run.as_slice() {
                [] => {}
                [one] => alone.push(*one),
                several => {
                    for (k, (x, y)) in several.iter().enumerate() {
                        let _ = write!(path, "{}{} {}", if k == 0 { 'M' } else { 'L' }, short(*x), short(*y));
                    }
                }
            }
            run.clear();
        }
        if !path.is_empty() {
            self.put(format_args!("<path d=\"{path}\" class=\"{class}\"/>"));
        }
        for p in alone {
            self.dot(p, 1.2, &format!("{class} alone"));
        }
    }

    /// An area that a path of SVG encloses.
    pub fn area(&mut self, points: &[(f64, f64)], class: &str) {
        if points.is_empty() {
            return;
        }
        let corners: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", short(*x), short(*y))).collect();
        self.put(format_args!("<polygon points=\"{}\" class=\"{class}\"/>", corners.join(" ")));
    }

    /// A text; it is escaped.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y, text) = (short(x), short(y), Markup::text(text));
        self.put(format_args!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" class=\"{class}\">{text}</text>"));
    }

    /// The whole element, without a name yet: a [`crate::Figure`] gives it one.
    #[must_use]
    pub fn element(&self) -> String {
        let (w, h) = (short(self.width), short(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"drawn\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\">\n{}</svg>",
            self.body
        )
    }
}

/// Whether a text of so many characters at a font size fits into a width, roughly: a letter is 0.56 of the font size wide.
#[must_use]
pub fn fits(text: &str, font: f64, width: f64) -> bool {
    text.chars().count() as f64 * font * 0.56 <= width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_holes() {
        let mut svg = Svg::new(10.0, 5.0);
        svg.curve([Some((0.0, 1.0)), Some((1.0, 2.04)), None, Some((3.0, 3.0)), None, None], "f0");
        let text = svg.element();
        assert!(text.contains("<path d=\"M0 1L1 2\" class=\"f0\"/>"), "{text}");
        assert!(text.contains("<circle cx=\"3\" cy=\"3\" r=\"1.2\" class=\"f0 alone\"/>"));
        assert!(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"drawn\" viewBox=\"0 0 10 5\""));
    }

    #[test]
    fn text_is_escaped_and_numbers_are_numbers() {
        let mut svg = Svg::new(1.0, 1.0);
        svg.text((f64::NAN, -0.04), Anchor::End, "t", "<&>");
        assert!(svg.element().contains("<text x=\"0\" y=\"0\" text-anchor=\"end\" class=\"t\">&lt;&amp;&gt;</text>"));
    }
}
