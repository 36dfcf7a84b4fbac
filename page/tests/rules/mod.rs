//! Rules of the pages, checked on a parsed page. Other crates' tests take this file in by its path.
#![allow(dead_code, reason = "each test takes a part")]

use base64::Engine;
use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Element of a page.
#[derive(Clone)]
pub struct Element(Handle);

impl Element {
    pub fn name(&self) -> String {
        match &self.0.data {
            NodeData::Element { name, .. } => name.local.to_string(),
            _ => String::new(),
        }
    }

    pub fn attribute(&self, wanted: &str) -> Option<String> {
        let NodeData::Element { attrs, .. } = &self.0.data else { return None };
        attrs.borrow().iter().find(|a| &*a.name.local == wanted).map(|a| a.value.to_string())
    }

    fn attributes(&self) -> Vec<(String, String)> {
        let NodeData::Element { attrs, .. } = &self.0.data else { return Vec::new() };
        attrs.borrow().iter().map(|a| (a.name.local.to_string(), a.value.to_string())).collect()
    }

    /// All text below it.
    pub fn text(&self) -> String {
        self.texts().concat()
    }

    fn texts(&self) -> Vec<String> {
        fn walk(node: &Handle, out: &mut Vec<String>) {
            if let NodeData::Text { contents } = &node.data {
                out.push(contents.borrow().to_string());
            }
            node.children.borrow().iter().for_each(|c| walk(c, out));
        }
        let mut out = Vec::new();
        walk(&self.0, &mut out);
        out
    }

    pub fn children(&self) -> Vec<Self> {
        let is = |h: &&Handle| matches!(h.data, NodeData::Element { .. });
        self.0.children.borrow().iter().filter(is).cloned().map(Self).collect()
    }

    /// Every element below it, in order.
    pub fn below(&self) -> Vec<Self> {
        self.children().into_iter().flat_map(|c| [vec![c.clone()], c.below()].concat()).collect()
    }

    pub fn all(&self, name: &str) -> Vec<Self> {
        self.below().into_iter().filter(|e| e.name() == name).collect()
    }
}

/// A page.
pub struct Document {
    pub root: Element,
    errors: Vec<String>,
    html: String,
}

/// A table: its caption, heads, and rows of cells.
pub struct Table {
    pub caption: String,
    pub heads: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Document {
    pub fn parse(html: &str) -> Self {
        let dom = parse_document(RcDom::default(), ParseOpts::default()).one(html);
        let errors = dom.errors.borrow().iter().map(|e| e.to_string()).collect();
        Self { root: Element(dom.document.clone()), errors, html: html.to_owned() }
    }

    pub fn tables(&self) -> Vec<Table> {
        self.root.all("table").iter().map(table).collect()
    }

    /// The table whose caption begins so.
    pub fn table(&self, caption: &str) -> Table {
        let table = self.tables().into_iter().find(|t| t.caption.starts_with(caption));
        table.unwrap_or_else(|| {
            let there: Vec<String> = self.tables().into_iter().map(|t| t.caption).collect();
            panic!("no table \"{caption}\" among {there:?}")
        })
    }

    /// Text of the elements that have this class.
    pub fn of_class(&self, class: &str) -> Vec<String> {
        let has = |e: &Element| e.attribute("class").is_some_and(|c| c.split_whitespace().any(|w| w == class));
        self.root.below().into_iter().filter(has).map(|e| e.text()).collect()
    }

    /// What of the page breaks a rule.
    pub fn broken(&self) -> Vec<String> {
        let mut broken: Vec<String> = self.errors.iter().map(|e| format!("parser: {e}")).collect();
        let mut rule = |holds: bool, what: &str| {
            if !holds {
                broken.push(what.to_owned());
            }
        };
        let elements = self.root.below();
        let named = |name: &str| elements.iter().filter(|e| e.name() == name).cloned().collect::<Vec<_>>();
        rule(self.html.starts_with("<!doctype html>"), "begins with its document type");
        let html = named("html");
        rule(html.len() == 1 && html[0].attribute("lang").is_some_and(|l| l == "en"), "has a language");
        rule(named("title").iter().any(|t| t.children().is_empty() && !t.text().trim().is_empty()), "has a title");
        rule(named("main").len() == 1, "has one main");
        let body = named("body");
        rule(body.len() == 1 && body[0].children().iter().all(|e| e.name() == "main"), "everything is in main");
        let level = |e: &Element| match e.name().as_bytes() {
            [b'h', d @ b'1'..=b'6'] => Some(d - b'0'),
            _ => None,
        };
        let levels: Vec<u8> = elements.iter().filter_map(level).collect();
        rule(levels.first() == Some(&1) && levels.iter().filter(|l| **l == 1).count() == 1, "has one first heading");
        rule(levels.windows(2).all(|w| w[1] <= w[0] + 1), "leaves no level of headings out");
        rule(
            elements.iter().filter(|e| level(e).is_some()).all(|e| !e.text().trim().is_empty()),
            "has no empty heading",
        );

        // Nothing is asked for.
        let policy = named("meta").iter().find_map(|m| {
            m.attribute("http-equiv").filter(|h| h == "Content-Security-Policy").and(m.attribute("content"))
        });
        let policy = policy.unwrap_or_default();
        rule(policy.starts_with("default-src 'none'; "), "its policy lets nothing in");
        rule(
            !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"),
            "its policy has no holes",
        );
        let styles = named("style");
        rule(styles.len() == 1, "has one style sheet");
        let sheet = styles.first().map(Element::text).unwrap_or_default();
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(sheet.as_bytes()));
        rule(policy.contains(&format!("style-src 'sha256-{hash}'")), "its policy names its own style sheet");
        rule(!sheet.contains("url(") && !sheet.contains("@import"), "its style sheet asks for nothing");
        rule(
            sheet.contains("prefers-color-scheme: dark") && sheet.contains("@media print"),
            "is for the dark and for paper",
        );
        for name in
            ["script", "link", "iframe", "object", "embed", "form", "base", "img", "image", "use", "video", "input"]
        {
            rule(named(name).is_empty(), &format!("has no <{name}>"));
        }
        let ids: Vec<String> = elements.iter().filter_map(|e| e.attribute("id")).collect();
        rule(ids.iter().collect::<BTreeSet<_>>().len() == ids.len(), "has no identifier twice");
        for e in &elements {
            for (name, value) in e.attributes() {
                let attribute = format!("<{} {name}=\"{value:.60}\">", e.name());
                rule(!name.starts_with("on") && name != "style", &format!("{attribute} does nothing by itself"));
                match name.as_str() {
                    "href" => {
                        let inside = value.strip_prefix('#').is_some_and(|i| ids.iter().any(|k| k == i));
                        // A page beside this one is opened by who follows the link, and by nothing else.
                        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
                        let beside = e.name() == "a"
                            && value.ends_with(".html")
                            && !value.starts_with(['/', '.'])
                            && value.chars().all(plain);
                        rule(
                            inside || beside,
                            &format!("{attribute} leads to a place of the page, or to a page beside it"),
                        );
                    }
                    "src" => {
                        let beside = !value.contains(':')
                            && !value.starts_with('/')
                            && policy.contains("media-src 'self' file:");
                        let inside = value.starts_with("data:audio/") && policy.contains("media-src data:");
                        rule(
                            e.name() == "audio" && (beside || inside),
                            &format!("{attribute} is audio that was let in"),
                        );
                    }
                    "srcset" | "poster" | "action" | "background" | "data" | "formaction" | "ping" => {
                        rule(false, &format!("{attribute} asks for nothing"));
                    }
                    "aria-labelledby" | "aria-describedby" => {
                        let known = value.split_whitespace().all(|v| ids.iter().any(|k| k == v));
                        rule(known, &format!("{attribute} names what there is"));
                    }
                    _ => {}
                }
            }
        }

        for t in named("table") {
            let caption = t.children().first().filter(|c| c.name() == "caption").map(Element::text).unwrap_or_default();
            rule(!caption.trim().is_empty(), "tables have captions");
            let about = |what: &str| format!("table \"{caption:.60}\": {what}");
            let heads = t.all("th");
            let scoped = |e: &Element| e.attribute("scope").is_some_and(|s| s == "col" || s == "row");
            rule(!heads.is_empty() && heads.iter().all(scoped), &about("heads have scopes"));
            rule(heads.iter().all(|h| !h.text().trim().is_empty()), &about("no head is empty"));
            let widths: BTreeSet<usize> = t.all("tr").iter().map(|r| r.children().len()).collect();
            rule(widths.len() == 1, &about("rows are as wide as the heads"));
        }
        for f in named("figure") {
            let id = f.attribute("id").unwrap_or_default();
            rule(f.all("figcaption").len() == 1, &format!("figure {id} has a caption"));
            rule(f.all("svg").len() == 1, &format!("figure {id} has a drawing"));
            let table = f.all("details").iter().any(|d| d.all("table").iter().any(|t| !t.all("td").is_empty()));
            rule(table, &format!("figure {id} has its numbers as a table"));
        }
        let in_figures: usize = named("figure").iter().map(|f| f.all("svg").len()).sum();
        let drawings = named("svg");
        rule(drawings.len() == in_figures, "every drawing is in a figure");
        for s in &drawings {
            let first: Vec<Element> = s.children().into_iter().take(2).collect();
            let named = first.len() == 2 && first[0].name() == "title" && first[1].name() == "desc";
            rule(named && first.iter().all(|e| !e.text().trim().is_empty()), "drawings have a title and a description");
            rule(s.attribute("role").is_some_and(|r| r == "img"), "drawings are images");
            let by: String = first.iter().filter_map(|e| e.attribute("id")).collect::<Vec<_>>().join(" ");
            rule(
                s.attribute("aria-labelledby").is_some_and(|l| l == by),
                "drawings are named by title and description",
            );
        }
        for d in named("details") {
            rule(
                d.children().first().is_some_and(|s| s.name() == "summary" && !s.text().trim().is_empty()),
                "details have a summary",
            );
        }
        let text = body.first().map(Element::texts).unwrap_or_default().join(" ");
        let odd = |c: char| {
            (c.is_control() && c != '\n' && c != '\t')
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c)
        };
        rule(!text.contains(odd), "no text does anything");
        for word in ["NaN", "inf", "-inf", "Some("] {
            rule(!text.split_whitespace().any(|w| w == word), &format!("says \"{word}\" nowhere"));
        }
        broken
    }
}

fn table(t: &Element) -> Table {
    let cells = |r: &Element| r.children().iter().map(|c| c.text()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = t.all("tr").iter().map(cells).collect();
    let caption = t.all("caption").first().map(Element::text).unwrap_or_default();
    let heads = rows.first().cloned().unwrap_or_default();
    Table { caption, heads, rows: rows.into_iter().skip(1).collect() }
}

/// Stops where a page breaks a rule or is larger than so many bytes.
pub fn keeps_the_rules(html: &str, most: usize) -> Document {
    let page = Document::parse(html);
    assert!(page.broken().is_empty(), "{:#?}", page.broken());
    assert!(html.len() <= most, "{} bytes, at most {most}", html.len());
    page
}
