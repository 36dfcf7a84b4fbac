//! Plots as SVG: figures with their intervals, curves, cells of colour.

use crate::statistics::Interval;
use affect_page::{PageError, minijinja};
use plotters::coord::ranged1d::SegmentValue;
use plotters::prelude::*;
use std::fmt::Display;

/// Okabe and Ito's colours, that most colour-blind people can tell apart.
pub const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

/// A picture that could not be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlotError(String);

impl Display for PlotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a plot could not be drawn: {}", self.0)
    }
}

impl std::error::Error for PlotError {}

/// A page that could not be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReportError {
    /// A plot.
    Plot(PlotError),
    /// The page.
    Page(PageError),
}

impl std::fmt::Display for ReportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plot(e) => write!(f, "report: {e}"),
            Self::Page(e) => write!(f, "report: {e}"),
        }
    }
}

impl std::error::Error for ReportError {}

impl From<PlotError> for ReportError {
    fn from(e: PlotError) -> Self {
        Self::Plot(e)
    }
}

impl From<PageError> for ReportError {
    fn from(e: PageError) -> Self {
        Self::Page(e)
    }
}

impl From<minijinja::Error> for ReportError {
    fn from(e: minijinja::Error) -> Self {
        Self::Page(e.into())
    }
}

type Drawn = Result<String, PlotError>;

fn failed<E: Display>(e: E) -> PlotError {
    PlotError(e.to_string())
}

const FONT: &str = "sans-serif";

/// The number of a segment on an axis of names.
fn number(v: &SegmentValue<i32>) -> usize {
    match v {
        SegmentValue::CenterOf(k) | SegmentValue::Exact(k) => usize::try_from(*k).unwrap_or(0),
        SegmentValue::Last => usize::MAX,
    }
}

fn name_of(names: &[String], v: &SegmentValue<i32>) -> String {
    names.get(number(v)).cloned().unwrap_or_default()
}

/// A row of an interval plot.
pub struct IntervalRow {
    /// What it is about.
    pub name: String,
    /// The figure.
    pub at: Interval,
    /// A wider interval behind it.
    pub behind: Option<Interval>,
    /// Which colour.
    pub colour: usize,
}

/// Figures with their intervals, the first on top.
pub fn intervals(lines: &[IntervalRow], what: &str, range: (f64, f64)) -> Drawn {
    let n = lines.len().max(1);
    let names: Vec<String> = lines.iter().map(|l| l.name.clone()).collect();
    let mut out = String::new();
    {
        let area = SVGBackend::with_string(&mut out, (860, 60 + 20 * n as u32)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(42)
            .y_label_area_size(270)
            .build_cartesian_2d(range.0..range.1, (0..n as i32 - 1).into_segmented())
            .map_err(failed)?;
        // Axes of names grow upwards; the first line shall be on top.
        let turned: Vec<String> = names.iter().rev().cloned().collect();
        chart
            .configure_mesh()
            .disable_y_mesh()
            .x_desc(what)
            .x_label_formatter(&|v| match range.1 {
                r if r > 3.0 => format!("{v:.0}"),
                r if r >= 1.0 => format!("{v:.1}"),
                _ => format!("{v:.2}"),
            })
            .y_labels(n)
            .y_label_formatter(&|v| name_of(&turned, v))
            .label_style((FONT, 13))
            .draw()
            .map_err(failed)?;
        for (k, l) in lines.iter().rev().enumerate() {
            let colour = COLOURS[l.colour % COLOURS.len()];
            let y = SegmentValue::CenterOf(k as i32);
            let clip = |v: f64| v.clamp(range.0, range.1);
            let mut line = |i: Interval, style: ShapeStyle| {
                let ends = vec![(clip(i.low), y.clone()), (clip(i.high), y.clone())];
                chart.draw_series([PathElement::new(ends, style)]).map(|_| ()).map_err(failed)
            };
            if let Some(behind) = l.behind {
                line(behind, colour.mix(0.35).stroke_width(1))?;
            }
            line(l.at, colour.stroke_width(3))?;
            chart.draw_series([Circle::new((clip(l.at.value), y), 4, colour.filled())]).map_err(failed)?;
        }
        area.present().map_err(failed)?;
    }
    Ok(out)
}

/// A curve: a name and points.
pub type Series = (String, Vec<(f64, f64)>);

/// Recall against number of features, on an axis on which doubling is a step.
pub fn curves(title: &str, series: &[Series], chance: f64) -> Drawn {
    let points = || series.iter().flat_map(|s| s.1.iter());
    let (first, last) = (points().map(|p| p.0).fold(f64::MAX, f64::min), points().map(|p| p.0).fold(1.0, f64::max));
    let top = points().map(|p| p.1).fold(0.0, f64::max);
    let mut out = String::new();
    {
        let area = SVGBackend::with_string(&mut out, (430, 330)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .caption(title, (FONT, 15))
            .margin(8)
            .x_label_area_size(38)
            .y_label_area_size(48)
            .build_cartesian_2d((first..last * 1.05).log_scale(), (chance - 0.02).max(0.0)..(top + 0.05).min(1.0))
            .map_err(failed)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("features")
            .y_desc("UAR")
            .x_labels(8)
            .x_label_formatter(&|v| format!("{v:.0}"))
            .label_style((FONT, 12))
            .draw()
            .map_err(failed)?;
        chart
            .draw_series([PathElement::new(vec![(first, chance), (last, chance)], BLACK.mix(0.4).stroke_width(1))])
            .map_err(failed)?
            .label("chance")
            .legend(|(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], BLACK.mix(0.4)));
        for (k, (name, list)) in series.iter().enumerate() {
            let colour = COLOURS[k % COLOURS.len()];
            chart
                .draw_series(LineSeries::new(list.iter().copied(), colour.stroke_width(2)).point_size(3))
                .map_err(failed)?
                .label(name.clone())
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.2))
            .label_font((FONT, 12))
            .draw()
            .map_err(failed)?;
        area.present().map_err(failed)?;
    }
    Ok(out)
}

/// A point of a curve, with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Where it is.
    pub x: f64,
    /// The figure.
    pub y: Interval,
}

/// Curves with their intervals as bands, and a line at no response.
pub fn responses(title: &str, across: &str, up: &str, series: &[(String, Vec<Point>)]) -> Drawn {
    let points = || series.iter().flat_map(|s| s.1.iter());
    let least = |of: &dyn Fn(&Point) -> f64| points().map(of).fold(f64::MAX, f64::min);
    let most = |of: &dyn Fn(&Point) -> f64| points().map(of).fold(f64::MIN, f64::max);
    let spread = |low: f64, high: f64| if high > low { (low, high) } else { (low - 1.0, low + 1.0) };
    let (first, last) = if points().next().is_none() { (0.0, 1.0) } else { spread(least(&|p| p.x), most(&|p| p.x)) };
    let (bottom, top) = if points().next().is_none() {
        (-1.0, 1.0)
    } else {
        spread(least(&|p| p.y.low.min(p.y.value)), most(&|p| p.y.high.max(p.y.value)))
    };
    // Above the curves there is room for their names.
    let names = 0.08 * series.len() as f64;
    let (side, room) = (0.03 * (last - first), 0.08 * (top - bottom));
    let mut out = String::new();
    {
        let area = SVGBackend::with_string(&mut out, (430, 330)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .caption(title, (FONT, 15))
            .margin(8)
            .x_label_area_size(38)
            .y_label_area_size(56)
            .build_cartesian_2d(first - side..last + side, bottom - room..top + (1.0 + names / 0.08) * room)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(across)
            .y_desc(up)
            .x_labels(7)
            .label_style((FONT, 12))
            .draw()
            .map_err(failed)?;
        chart
            .draw_series([PathElement::new(vec![(first, 0.0), (last, 0.0)], BLACK.mix(0.4).stroke_width(1))])
            .map_err(failed)?;
        for (k, (name, list)) in series.iter().enumerate() {
            let colour = COLOURS[k % COLOURS.len()];
            let upper = list.iter().map(|p| (p.x, p.y.high));
            let band: Vec<(f64, f64)> = upper.chain(list.iter().rev().map(|p| (p.x, p.y.low))).collect();
            chart.draw_series([Polygon::new(band, colour.mix(0.12).filled())]).map_err(failed)?;
            chart
                .draw_series(
                    LineSeries::new(list.iter().map(|p| (p.x, p.y.value)), colour.stroke_width(2)).point_size(3),
                )
                .map_err(failed)?
                .label(name.clone())
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.2))
            .label_font((FONT, 12))
            .draw()
            .map_err(failed)?;
        area.present().map_err(failed)?;
    }
    Ok(out)
}

/// Curves over layers, on an axis of their names; `line` is where nothing is told.
pub fn over_layers(what: &str, layers: &[String], series: &[Series], range: (f64, f64), line: Option<f64>) -> Drawn {
    let last = layers.len().max(2) as f64 - 1.0;
    let mut out = String::new();
    {
        let area = SVGBackend::with_string(&mut out, (860, 430)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(190)
            .x_label_area_size(110)
            .y_label_area_size(52)
            .build_cartesian_2d(-0.3..last + 0.3, range.0..range.1)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .light_line_style(TRANSPARENT)
            .y_desc(what)
            .label_style((FONT, 12))
            .draw()
            .map_err(failed)?;
        use plotters::style::text_anchor::{HPos, Pos, VPos};
        let style = (FONT, 12).into_text_style(&area);
        let turned = style.clone().pos(Pos::new(HPos::Right, VPos::Center)).transform(FontTransform::Rotate270);
        for (k, name) in layers.iter().enumerate() {
            let (x, y) = chart.backend_coord(&(k as f64, range.0));
            area.draw_text(name, &turned, (x, y + 8)).map_err(failed)?;
        }
        if let Some(at) = line {
            let ends = vec![(-0.3, at), (last + 0.3, at)];
            chart.draw_series([PathElement::new(ends, BLACK.mix(0.4).stroke_width(1))]).map_err(failed)?;
        }
        for (k, (name, list)) in series.iter().enumerate() {
            let colour = COLOURS[k % COLOURS.len()];
            let clipped = list.iter().map(|p| (p.0, p.1.clamp(range.0, range.1)));
            chart.draw_series(LineSeries::new(clipped, colour.stroke_width(2)).point_size(3)).map_err(failed)?;
            let (x, top) = chart.backend_coord(&(last + 0.3, range.1));
            let y = top + 10 + 18 * k as i32;
            area.draw(&PathElement::new(vec![(x + 10, y), (x + 30, y)], colour.stroke_width(3))).map_err(failed)?;
            let left = style.clone().pos(Pos::new(HPos::Left, VPos::Center));
            area.draw_text(name, &left, (x + 36, y)).map_err(failed)?;
        }
        area.present().map_err(failed)?;
    }
    Ok(out)
}

/// How often answers are right, by how sure the model is.
pub fn reliability(title: &str, series: &[Series]) -> Drawn {
    let mut out = String::new();
    {
        let area = SVGBackend::with_string(&mut out, (430, 330)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .caption(title, (FONT, 15))
            .margin(8)
            .x_label_area_size(38)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("probability of the answer")
            .y_desc("share that is right")
            .label_style((FONT, 12))
            .draw()
            .map_err(failed)?;
        chart
            .draw_series([PathElement::new(vec![(0.0, 0.0), (1.0, 1.0)], BLACK.mix(0.4).stroke_width(1))])
            .map_err(failed)?;
        for (k, (name, bins)) in series.iter().enumerate() {
            let colour = COLOURS[k % COLOURS.len()];
            chart
                .draw_series(LineSeries::new(bins.iter().copied(), colour.stroke_width(2)).point_size(3))
                .map_err(failed)?
                .label(name.clone())
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.2))
            .label_font((FONT, 12))
            .draw()
            .map_err(failed)?;
        area.present().map_err(failed)?;
    }
    Ok(out)
}

/// Blue below zero, white at zero, orange above; full colour at one and a half standard deviations.
fn diverging(v: f64) -> RGBColor {
    let end = if v < 0.0 { COLOURS[0] } else { COLOURS[1] };
    let share = (v.abs() / 1.5).min(1.0);
    let mix = |c: u8| (255.0 - share * (255.0 - f64::from(c))).round() as u8;
    RGBColor(mix(end.0), mix(end.1), mix(end.2))
}

/// Effects as colours: rows of names, columns of names; `None` stays grey, and cells that are not beyond doubt are small.
pub fn effects(rows: &[String], columns: &[String], cells: &dyn Fn(usize, usize) -> Option<(f64, bool)>) -> Drawn {
    let (n, m) = (rows.len().max(1), columns.len().max(1));
    let mut out = String::new();
    {
        let area = SVGBackend::with_string(&mut out, (300 + 34 * m as u32, 150 + 20 * n as u32)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(130)
            .y_label_area_size(280)
            .build_cartesian_2d(0.0..m as f64, 0.0..n as f64)
            .map_err(failed)?;
        chart.configure_mesh().disable_mesh().disable_axes().draw().map_err(failed)?;
        use plotters::style::text_anchor::{HPos, Pos, VPos};
        let style = (FONT, 12).into_text_style(&area).pos(Pos::new(HPos::Right, VPos::Center));
        let turned = style.clone().transform(FontTransform::Rotate270);
        for (i, row) in rows.iter().enumerate() {
            let y = (n - 1 - i) as f64;
            for j in 0..columns.len() {
                let x = j as f64;
                let (colour, edge) = match cells(i, j) {
                    None => (RGBColor(225, 225, 225), 0.42),
                    Some((v, sure)) => (diverging(v), if sure { 0.04 } else { 0.28 }),
                };
                chart
                    .draw_series([Rectangle::new(
                        [(x + edge, y + edge), (x + 1.0 - edge, y + 1.0 - edge)],
                        colour.filled(),
                    )])
                    .map_err(failed)?;
            }
            area.draw_text(row, &style, chart.backend_coord(&(-0.1, y + 0.5))).map_err(failed)?;
        }
        for (j, column) in columns.iter().enumerate() {
            area.draw_text(column, &turned, chart.backend_coord(&(j as f64 + 0.5, -0.3))).map_err(failed)?;
        }
        area.present().map_err(failed)?;
    }
    Ok(out)
}
