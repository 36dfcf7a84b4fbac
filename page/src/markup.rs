//! Markup that may stand in a page as it is, and text that may not.

use minijinja::Value;
use std::fmt;

/// HTML or SVG that is safe to put into a page: made here, from escaped parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Markup(String);

impl Markup {
    /// Markup that the caller vouches for.
    #[must_use]
    pub fn trusted(html: impl Into<String>) -> Self {
        Self(html.into())
    }

    /// The markup of a text: escaped, with its control characters made visible.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self(escape(&visible(text)))
    }

    /// The same for a name from elsewhere, whose direction of writing shall not spill over into what stands beside it.
    #[must_use]
    pub fn name(text: &str) -> Self {
        Self(format!("<bdi>{}</bdi>", Self::text(text)))
    }

    /// The markup.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Markup> for Value {
    fn from(m: Markup) -> Self {
        Self::from_safe_string(m.0)
    }
}

/// Text with the five characters that mean something to HTML written out.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Text without characters that do something instead of showing something: controls become their pictures (U+2400 on), and what
/// turns the direction of writing, joins or breaks lines becomes its number, such as `[U+202E]`. A line break or tab is a control.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match u32::from(c) {
            code @ 0..=0x1f => out.push(char::from_u32(0x2400 + code).unwrap_or('\u{fffd}')),
            0x7f => out.push('\u{2421}'),
            code @ (0x80..=0x9f
            | 0xad
            | 0x61c
            | 0x200b..=0x200f
            | 0x2028..=0x202e
            | 0x2060..=0x206f
            | 0xfeff
            | 0xfff9..=0xfffb) => {
                out.push_str(&format!("[U+{code:04X}]"));
            }
            // Not characters: the parser of a page takes offence.
            code if code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code) => {
                out.push_str(&format!("[U+{code:04X}]"));
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_does_anything() {
        assert_eq!(
            Markup::text("<script>alert(\"1\")</script> & 'x'\n\u{202e}vaw").as_str(),
            "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;\u{240a}[U+202E]vaw"
        );
        assert_eq!(Markup::name("a").as_str(), "<bdi>a</bdi>");
        assert_eq!(visible("é ñ 日本 \u{7f}\u{0}\u{fffe}"), "é ñ 日本 \u{2421}\u{2400}[U+FFFE]");
    }
}
