//! The chart: for each operation a bar for each peer, on a logarithmic scale.

use std::fmt::Write as _;

use crate::peer::Peer as _;
use crate::peers::Coursecat;
use crate::report::{Outcome, Results, thousands, time};

const WIDTH: f64 = 960.0;
const LABELS: f64 = 270.0;
const VALUES: f64 = 70.0;
const BAR: f64 = 11.0;
const GAP: f64 = 9.0;
const TOP: f64 = 62.0;

/// One colour a peer, told apart also by those who see few colours.
const COLOURS: [&str; 8] = [
    "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#8c6d1f", "#999999", "#555555",
];

/// Operations that are worth a look; the table has all.
const CHARTED: [(&str, usize); 12] = [
    ("get_course_run", 1),
    ("get_course_run", 2),
    ("get_catalog_course", 1),
    ("runs_of_course", 1),
    ("page_of_50_courses", 1),
    ("search", 1),
    ("create_run_durable", 1),
    ("create_run_durable", 64),
    ("create_run_relaxed", 1),
    ("delete_course_refused", 1),
    ("import", 1),
    ("open", 1),
];

/// Draws the results with so many runs, in SVG.
pub(crate) fn draw(results: &Results, n: usize, peers: &[&str]) -> String {
    let groups: Vec<(&str, Vec<&Outcome>)> = CHARTED
        .iter()
        .filter_map(|(op, threads)| {
            let mut bars: Vec<&Outcome> = results
                .0
                .iter()
                .filter(|outcome| outcome.n == n && outcome.op == *op)
                .filter(|outcome| outcome.threads == *threads)
                // Whatever the others do, it does the same.
                .filter(|outcome| !(outcome.grouped && outcome.peer == Coursecat::NAME))
                .collect();
            bars.sort_by_key(|outcome| (place(peers, &outcome.peer), outcome.grouped));
            let title = bars.first()?.title.as_str();
            Some((title, bars))
        })
        .collect();
    let all = || groups.iter().flat_map(|(_, bars)| bars);
    let least = all().map(|bar| bar.median()).fold(f64::INFINITY, f64::min);
    let most = all().map(|bar| bar.median()).fold(1.0, f64::max);
    let (first, last) = (least.log10().floor(), most.log10().ceil());
    let scale = (WIDTH - LABELS - VALUES) / (last - first).max(1.0);
    let x = |ns: f64| LABELS + (ns.log10() - first) * scale;
    let bars: usize = groups.iter().map(|(_, bars)| bars.len()).sum();
    let height = TOP + bars as f64 * BAR + groups.len() as f64 * GAP + 12.0;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"11\" fill=\"#222\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"20\" font-size=\"14\" font-weight=\"600\">Time for one operation, \
         {} runs (logarithmic, shorter is better)</text>\n",
        thousands(n)
    );
    legend(&mut svg, peers, all().map(|bar| bar.peer.as_str()));
    for power in first as i32..=last as i32 {
        let at = x(10f64.powi(power));
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{:.0}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\" fill=\"#666\">{}</text>",
            height - 8.0,
            TOP - 4.0,
            power_of_ten(power),
        );
    }
    let mut y = TOP + GAP / 2.0;
    for (title, bars) in &groups {
        let middle = y + bars.len() as f64 * BAR / 2.0 + 4.0;
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{middle:.1}\" text-anchor=\"end\">{title}</text>",
            LABELS - 8.0
        );
        for bar in bars {
            let colour = COLOURS[place(peers, &bar.peer) % COLOURS.len()];
            let opacity = if bar.grouped { 0.55 } else { 1.0 };
            let end = x(bar.median());
            let grouped = if bar.grouped { ", grouped" } else { "" };
            let _ = writeln!(
                svg,
                "<rect x=\"{LABELS}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
                 fill=\"{colour}\" fill-opacity=\"{opacity}\"><title>{}{grouped}</title></rect>\
                 <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"9\" fill=\"#444\">{}{grouped}</text>",
                (end - LABELS).max(1.0),
                BAR - 2.0,
                bar.peer,
                end + 3.0,
                y + BAR - 3.0,
                time(bar.median()),
            );
            y += BAR;
        }
        y += GAP;
    }
    svg.push_str("</svg>\n");
    svg
}

fn place(peers: &[&str], peer: &str) -> usize {
    peers
        .iter()
        .position(|name| *name == peer)
        .unwrap_or(peers.len())
}

fn legend<'a>(svg: &mut String, peers: &[&str], drawn: impl Iterator<Item = &'a str> + Clone) {
    let mut x = 12.0;
    for (i, peer) in peers.iter().enumerate() {
        if !drawn.clone().any(|name| name == *peer) {
            continue;
        }
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.0}\" y=\"29\" width=\"10\" height=\"10\" fill=\"{}\"/>\
             <text x=\"{:.0}\" y=\"38\">{peer}</text>",
            COLOURS[i % COLOURS.len()],
            x + 14.0
        );
        x += 34.0 + peer.len() as f64 * 6.5;
    }
}

fn power_of_ten(power: i32) -> String {
    let text = time(10f64.powi(power));
    match text.split_once('.') {
        Some((whole, rest)) => {
            let unit = rest.split_once(' ').map_or("", |(_, unit)| unit);
            format!("{whole} {unit}")
        }
        None => text,
    }
}
