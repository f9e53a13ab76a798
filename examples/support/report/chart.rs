//! One plot: inline SVG with its legend in HTML.

use anyhow::{Result, anyhow};
use core::fmt::Write as _;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const SIZE: (u32, u32) = (720, 230);
/// Drawn in this colour and then replaced, so that the page's ink decides, light or dark.
const INK: RGBColor = RGBColor(1, 2, 3);
const FROZEN: RGBColor = RGBColor(214, 69, 93);
const INK_IN_SVG: &str = "#010203";
/// More points than this can't be told apart: of each group the highest one is drawn.
const POINTS: usize = 720;

/// Several figures over the time of a call.
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) unit: &'static str,
    /// The vertical axis reaches at least so far, so that next to nothing looks like next to nothing.
    pub(super) least_top: f64,
    pub(super) seconds: f64,
    pub(super) series: Vec<Series>,
    /// From when to when the picture stood still.
    pub(super) freezes: Vec<(f64, f64)>,
}

/// One figure over time, in seconds.
pub(super) struct Series {
    name: &'static str,
    color: RGBColor,
    points: Vec<(f64, f64)>,
    filled: bool,
}

impl Series {
    /// From point to point.
    pub(super) fn line(
        name: &'static str,
        (r, g, b): (u8, u8, u8),
        points: Vec<(f64, f64)>,
    ) -> Self {
        Self { name, color: RGBColor(r, g, b), points: thin(&points), filled: false }
    }

    /// Each value holds until the next one, the last until `end`.
    pub(super) fn steps(
        name: &'static str,
        color: (u8, u8, u8),
        points: Vec<(f64, f64)>,
        end: f64,
    ) -> Self {
        let ends = points.iter().skip(1).map(|next| next.0).chain([end]);
        let corners = points.iter().zip(ends).flat_map(|(&(x, y), end)| [(x, y), (end, y)]);
        Self { points: corners.collect(), ..Self::line(name, color, Vec::new()) }
    }

    /// What lies below is filled.
    pub(super) fn filled(self) -> Self {
        Self { filled: true, ..self }
    }
}

fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let group = points.len().div_ceil(POINTS).max(1);
    let highest = |group: &[(f64, f64)]| group.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
    points.chunks(group).filter_map(highest).collect()
}

impl Chart {
    /// The whole figure.
    pub(super) fn draw(&self) -> Result<String> {
        let mut svg = String::new();
        self.plot(&mut svg).map_err(|problem| anyhow!("cannot draw {}: {problem}", self.title))?;
        let svg = svg.replace(INK_IN_SVG, "currentColor");
        let mut legend = String::new();
        for series in self.series.iter().filter(|series| !series.points.is_empty()) {
            let RGBColor(r, g, b) = series.color;
            write!(legend, "<i style=\"--c:rgb({r},{g},{b})\">{}</i>", series.name)?;
        }
        if !self.freezes.is_empty() {
            let RGBColor(r, g, b) = FROZEN;
            write!(legend, "<i style=\"--c:rgba({r},{g},{b},.5)\">picture frozen</i>")?;
        }
        let (title, unit) = (self.title, self.unit);
        // The XML declaration has no place within a page.
        let svg = svg.find("<svg").and_then(|at| svg.get(at..)).unwrap_or_default();
        Ok(format!(
            "<figure><figcaption><h3>{title}</h3><u>{unit}</u>{legend}</figcaption>{svg}</figure>"
        ))
    }

    fn top(&self) -> f64 {
        let values = self.series.iter().flat_map(|series| &series.points).map(|point| point.1);
        values.fold(self.least_top, f64::max) * 1.06
    }

    fn plot(&self, svg: &mut String) -> Result<(), Box<dyn core::error::Error>> {
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin_top(6)
            .margin_right(24)
            .x_label_area_size(30)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..self.seconds, 0.0..self.top())?;
        let label = ("sans-serif", 17).into_font().color(&INK);
        chart
            .configure_mesh()
            .bold_line_style(INK.mix(0.25))
            .light_line_style(TRANSPARENT)
            .axis_style(INK.mix(0.6))
            .x_labels(11)
            .y_labels(5)
            .x_label_formatter(&|x| format!("{x} s"))
            .y_label_formatter(&|y| format!("{y}"))
            .label_style(label.pos(Pos::new(HPos::Center, VPos::Center)))
            .draw()?;
        let top = self.top();
        let frozen = self.freezes.iter().map(|&(from, to)| {
            Rectangle::new([(from, 0.0), (to.min(self.seconds), top)], FROZEN.mix(0.3).filled())
        });
        chart.draw_series(frozen)?;
        for series in &self.series {
            let points = series.points.iter().copied();
            let points = points.filter(|&(x, _)| x <= self.seconds);
            if series.filled {
                chart.draw_series(
                    AreaSeries::new(points, 0.0, series.color.mix(0.15))
                        .border_style(series.color.stroke_width(1)),
                )?;
            } else {
                chart.draw_series(LineSeries::new(points, series.color.stroke_width(2)))?;
            }
        }
        area.present()?;
        Ok(())
    }
}
