//! The skeleton keeps the rules of pages, and the rules are noticed where they are broken.

mod rules;

use affect_page::chart::{Bin, IntervalRow, histogram, intervals};
use affect_page::minijinja::context;
use affect_page::{Cell, Figure, Markup, Media, Page, Table, environment};
use rules::{Document, keeps_the_rules};

const HOSTILE: &str = "<script>alert(1)</script>\"'&amp;\n\u{202e}\u{0}.wav";

fn figure(id: &str, (svg, table): (String, Table)) -> Markup {
    let note = Markup::text(HOSTILE);
    let (title, description) = (HOSTILE.to_owned(), HOSTILE.to_owned());
    Figure { id: id.to_owned(), title, description, note, svg, wide: id == "wide", tables: vec![table] }.html()
}

fn page() -> String {
    let bins = [Bin { low: 0.0, high: 1.0, count: 3 }, Bin { low: 1.0, high: f64::INFINITY, count: 0 }];
    let rows = [IntervalRow { name: HOSTILE.to_owned(), n: 12, value: Ok((1.0, 0.5, 1.5)) }];
    let mut table = Table::new(HOSTILE).column(HOSTILE).numbers("n");
    table.row([Cell::text(HOSTILE), Cell::Nothing(HOSTILE.to_owned())]);
    let mut env = environment();
    env.add_template("t", "<h1>{{ name }}</h1><p>{{ name | name }}</p>{{ parts }}").unwrap();
    let parts = [
        figure("bars", histogram(&bins, HOSTILE, HOSTILE)),
        figure("wide", intervals(&rows, HOSTILE, HOSTILE, 1, HOSTILE)),
        table.html(),
    ];
    let parts = Markup::trusted(parts.iter().map(Markup::as_str).collect::<String>());
    let name = affect_page::visible(HOSTILE);
    let body = env.get_template("t").unwrap().render(context! { name, parts => value(parts) }).unwrap();
    Page { title: HOSTILE.to_owned(), media: Media::None, body: Markup::trusted(body) }.html().unwrap()
}

fn value(m: Markup) -> affect_page::minijinja::Value {
    m.into()
}

#[test]
fn a_page_with_hostile_texts_keeps_the_rules() {
    let html = page();
    let page = keeps_the_rules(&html, 40_000);
    // What is shown is the name, with what cannot be seen made visible.
    let shown = "<script>alert(1)</script>\"'&amp;\u{240a}[U+202E]\u{2400}.wav";
    let heading = page.root.all("h1")[0].text();
    assert_eq!((heading.as_str(), page.root.all("title")[0].text().as_str()), (shown, shown));
    assert_eq!(page.tables()[2].rows[0], [shown, shown]);
}

/// Each change breaks a rule, and the check says so: a check that never complains is none.
#[test]
fn broken_rules_are_noticed() {
    let html = page();
    for (from, to) in [
        ("<main>", "<div>"),
        (" lang=\"en\"", ""),
        ("default-src 'none'; ", "default-src *; "),
        ("color-scheme: light dark;", "color-scheme: light;"),
        ("<th scope=\"col\"", "<th"),
        ("<caption>", "<caption></caption><caption>"),
        (" role=\"img\"", ""),
        ("<desc ", "<metadata "),
        ("<h1>", "<h1></h1><h1>"),
        ("<p>", "<p onclick=\"x()\">"),
        ("<p>", "<p style=\"color: red\">"),
        ("<p>", "<script>x()</script><p>"),
        ("<p>", "<p><a href=\"https://example.org\">x</a>"),
        ("<p>", "<p><img src=\"x.png\" alt=\"\">"),
        ("<p>", "<audio src=\"x.wav\"></audio><p>"),
        ("<p>", "<p>\u{202e}"),
        ("<p>", "<p>NaN "),
        ("<p>", "<h3>x</h3><p>"),
        ("<p>", "<p id=\"bars\">"),
        ("<summary>The numbers of this figure</summary>", ""),
        ("<td class=\"n\">3</td>", ""),
    ] {
        let broken = html.replacen(from, to, 1);
        assert_ne!(broken, html, "{from} is not in the page");
        assert!(!Document::parse(&broken).broken().is_empty(), "{from} -> {to}");
    }
}

#[test]
fn audio_is_let_in_only_where_the_page_says_so() {
    let with = |media, address: &str| {
        let body = Markup::trusted(format!("<h1>x</h1><audio controls preload=\"none\" src=\"{address}\"></audio>"));
        let html = Page { title: "x".into(), media, body }.html().unwrap();
        Document::parse(&html).broken().is_empty()
    };
    assert!(with(Media::Beside, "a.wav") && with(Media::Inside, "data:audio/wav;base64,AA=="));
    assert!(!with(Media::None, "a.wav") && !with(Media::Beside, "https://example.org/a.wav"));
    assert!(!with(Media::Inside, "a.wav") && !with(Media::Beside, "/a.wav"));
}
