//! Self-contained HTML pages: one file that asks for nothing, reads well on paper, on a telephone and with a screen reader.
//!
//! Every page keeps the same rules, and `page/tests/rules` checks them:
//!
//! - A content security policy of `default-src 'none'`; the only style is the page's own sheet, named by its hash; there is no script.
//!   Audio is let in only where a page says so ([`Media`]).
//! - A language, a title, one `<main>`, headings in order.
//! - Tables have a caption, and heads with a scope ([`Table`]).
//! - Figures are SVG with `role="img"`, a title and a description, and stand beside a table of the same numbers ([`Figure`]).
//! - Colour never says anything alone.
//! - Text from elsewhere is escaped, and its control characters are made visible ([`visible`]).
//!
//! This crate knows nothing of audio or results.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(clippy::unwrap_used)]

pub mod chart;
mod figure;
mod markup;
mod number;
mod skeleton;
mod svg;
mod table;

pub use figure::Figure;
pub use markup::{Markup, escape, visible};
pub use minijinja;
pub use number::{clock, number, percent, signed};
pub use skeleton::{Media, Page, PageError, data_address, environment};
pub use svg::{Anchor, Svg, fits};
pub use table::{Cell, Table};
