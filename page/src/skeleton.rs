//! The skeleton of a page: its head, its one style sheet, and what it may load, which is nothing.

use crate::markup::{Markup, visible};
use crate::number;
use base64::Engine;
use minijinja::{AutoEscape, Environment, context};
use sha2::{Digest, Sha256};
use std::fmt;

const STYLE: &str = include_str!("style.css");

/// Audio that a page may load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Media {
    /// None.
    #[default]
    None,
    /// A file beside the page.
    Beside,
    /// Audio inside the page, as a `data:` address.
    Inside,
}

impl Media {
    const fn sources(self) -> &'static str {
        match self {
            Self::None => "",
            // A page that is opened as a file is of no origin: `'self'` alone would not let its neighbour in.
            Self::Beside => "; media-src 'self' file:",
            Self::Inside => "; media-src data:",
        }
    }
}

/// Bytes as a `data:` address of this media type.
#[must_use]
pub fn data_address(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its title, as a text.
    pub title: String,
    /// Audio that it may load.
    pub media: Media,
    /// What stands in its `<main>`: headings from `<h1>` on.
    pub body: Markup,
}

/// A page that could not be made: a defect of the program.
#[derive(Debug)]
pub struct PageError(minijinja::Error);

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a page could not be made: {:#}", self.0)
    }
}

impl std::error::Error for PageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl From<minijinja::Error> for PageError {
    fn from(e: minijinja::Error) -> Self {
        Self(e)
    }
}

/// The content security policy of a page with this media and the style sheet that has this hash.
fn policy(media: Media) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'{}; base-uri 'none'; form-action 'none'", media.sources())
}

/// An environment for templates of pages: everything is escaped, whatever a template is called, unless it is [`Markup`]. Filters:
/// `fixed(n)` (a number with n decimal places), `signed`, `percent`, `joined` (with commas), `name` (a name from elsewhere).
#[must_use]
pub fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_trim_blocks(true);
    env.set_lstrip_blocks(true);
    env.add_filter("fixed", |v: f64, places: usize| number::number(v, places));
    env.add_filter("signed", |v: f64| number::signed(v, 2));
    env.add_filter("percent", |v: f64| number::percent(v, 0));
    env.add_filter("joined", |v: Vec<String>| v.join(", "));
    env.add_filter("name", |v: String| minijinja::Value::from(Markup::name(&v)));
    env
}

impl Page {
    /// The whole file.
    ///
    /// # Errors
    /// [`PageError`], which is a defect of the program.
    pub fn html(&self) -> Result<String, PageError> {
        let mut env = environment();
        env.add_template("page.html", include_str!("page.html"))?;
        Ok(env.get_template("page.html")?.render(context! {
            lang => "en",
            title => visible(&self.title),
            policy => policy(self.media),
            style => STYLE,
            body => minijinja::Value::from(self.body.clone()),
        })?)
    }
}
