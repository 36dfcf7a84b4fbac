//! The page: three panels over one axis of time.

use super::Picture;
use plotters::prelude::*;
use std::fmt::Display;

const FONT: &str = "sans-serif";
const WIDTH: u32 = 1_000;
/// Heights of the title and the panels.
const TITLE: u32 = 64;
const PANELS: [u32; 3] = [170, 170, 210];
/// Okabe and Ito's blue, vermilion and orange.
const BLUE: RGBColor = RGBColor(0, 114, 178);
const RED: RGBColor = RGBColor(213, 94, 0);
const SPAN: RGBColor = RGBColor(230, 159, 0);
/// Columns of the waveform.
const COLUMNS: usize = 900;

fn failed<E: Display>(e: E) -> String {
    e.to_string()
}

/// The lowest and highest of some values, with room about them.
fn limits(values: impl Iterator<Item = f64>, least: f64) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return (-least, least);
    }
    let room = (0.08 * (high - low)).max(least);
    (low - room, high + room)
}

/// Draws a picture.
pub fn svg(p: &Picture<'_>) -> Result<String, String> {
    let mut out = String::new();
    {
        let height = TITLE + PANELS.iter().sum::<u32>();
        let page = SVGBackend::with_string(&mut out, (WIDTH, height)).into_drawing_area();
        page.fill(&WHITE).map_err(failed)?;
        let x = p.explanation;
        let title = format!(
            "{} from {:.2} s: {} {:+.2}, {} at {}",
            p.name, p.start_s, x.target, x.output, x.method, p.frames.layer
        );
        page.draw(&Text::new(title, (14, 10), (FONT, 15))).map_err(failed)?;
        page.draw(&Text::new(p.frames.sentence.clone(), (14, 30), (FONT, 13))).map_err(failed)?;
        if let Some(r) = &p.frames.reliability {
            page.draw(&Text::new(r.sentence.clone(), (14, 48), (FONT, 12))).map_err(failed)?;
        }
        let mut top = i32::try_from(TITLE).unwrap_or(0);
        for (k, height) in PANELS.into_iter().enumerate() {
            let area = page.clone().shrink((0, top), (WIDTH, height));
            match k {
                0 => waveform(&area, p)?,
                1 => pitch(&area, p)?,
                _ => relevance(&area, p)?,
            }
            top += i32::try_from(height).unwrap_or(0);
        }
        page.present().map_err(failed)?;
    }
    Ok(out)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Chart<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

/// A panel with its axes, and the spans behind what will be drawn.
fn panel<'a, 'b>(
    area: &'a Area<'b>,
    p: &Picture<'_>,
    what: &str,
    (low, high): (f64, f64),
    last: bool,
) -> Result<Chart<'a, 'b>, String> {
    let end = p.samples.len() as f64 / p.rate_hz;
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(if last { 40 } else { 18 })
        .y_label_area_size(62)
        .build_cartesian_2d(0.0..end, low..high)
        .map_err(failed)?;
    let spans = p.frames.spans.iter().map(|s| {
        let within = |ns: u64| (ns as f64 * 1e-9 - p.start_s).clamp(0.0, end);
        let (from, to) = (within(s.start_ns), within(s.end_ns));
        Rectangle::new([(from, low), (to, high)], SPAN.mix(0.15 + 0.35 * f64::from(s.share)).filled())
    });
    chart.draw_series(spans).map_err(failed)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(if last { "seconds of the utterance" } else { "" })
        .y_desc(what)
        .x_labels(10)
        .y_labels(5)
        .x_label_formatter(&|v| format!("{v:.1}"))
        .label_style((FONT, 12))
        .draw()
        .map_err(failed)?;
    Ok(chart)
}

fn waveform(area: &Area<'_>, p: &Picture<'_>) -> Result<(), String> {
    let largest = p.samples.iter().fold(1e-4f64, |m, v| m.max(v.abs())) * 1.05;
    let mut chart = panel(area, p, "waveform", (-largest, largest), false)?;
    let width = p.samples.len().div_ceil(COLUMNS).max(1);
    let columns = p.samples.chunks(width).enumerate().map(|(k, part)| {
        let (low, high) = part.iter().fold((0.0f64, 0.0f64), |(l, h), v| (l.min(*v), h.max(*v)));
        let time = (k * width) as f64 / p.rate_hz;
        PathElement::new(vec![(time, low), (time, high)], BLACK.mix(0.7))
    });
    chart.draw_series(columns).map(|_| ()).map_err(failed)
}

fn pitch(area: &Area<'_>, p: &Picture<'_>) -> Result<(), String> {
    let (low, high) = if p.f0.is_empty() { (50.0, 400.0) } else { limits(p.f0.iter().map(|f| f.1), 5.0) };
    let mut chart = panel(area, p, "F0, Hz", (low, high), false)?;
    chart.draw_series(p.f0.iter().map(|f| Circle::new(*f, 2, BLUE.filled()))).map(|_| ()).map_err(failed)
}

fn relevance(area: &Area<'_>, p: &Picture<'_>) -> Result<(), String> {
    let Some(curve) = &p.frames.relevance else { return Err("no relevance curve".to_owned()) };
    let values: Vec<f64> = (0..curve.values.len()).filter_map(|k| curve.relevance(k).map(f64::from)).collect();
    let (low, high) = limits(values.iter().copied().chain([0.0]), 1e-9);
    let mut chart = panel(area, p, &format!("relevance for {}", p.explanation.target), (low, high), true)?;
    let end = p.samples.len() as f64 / p.rate_hz;
    let step = f64::from(p.frames.frame_ms) / 1000.0;
    let bars = values.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(k, v)| {
        let from = k as f64 * step;
        let colour = if *v > 0.0 { BLUE } else { RED };
        Rectangle::new([(from, 0.0), ((from + step).min(end), *v)], colour.mix(0.85).filled())
    });
    chart.draw_series(bars).map(|_| ()).map_err(failed)
}
