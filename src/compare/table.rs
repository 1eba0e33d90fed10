use std::collections::BTreeSet;
use std::fmt::Write;

use super::elsewhere::ELSEWHERE;
use super::variant::named;
use super::{PaperTable, Row, RunResult};

/// A table of results beside the published ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its caption.
    pub title: String,
    /// The columns: a data set's heading and a metric's name.
    pub columns: Vec<(String, String)>,
    /// The rows: a heading, and a cell a column.
    pub rows: Vec<(String, Vec<TableCell>)>,
    /// What stands below it in a terminal.
    pub note: Option<String>,
    /// What one should know before comparing its numbers.
    pub warnings: Vec<String>,
}

/// What is known about one method, data set and metric.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TableCell {
    /// What our runs give, if there are any.
    pub ours: Option<Summary>,
    /// What the paper says: mean, and deviation where it gives one.
    pub published: Option<(f64, Option<f64>)>,
}

/// Several runs of different seeds in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (of n - 1); `None` for a single run.
    pub deviation: Option<f64>,
    /// Their number.
    pub runs: usize,
}

impl Summary {
    /// Of these values; `None` of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let runs = values.len();
        if runs == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / runs as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (runs > 1).then(|| (squares / (runs - 1) as f64).sqrt());
        Some(Self { mean, deviation, runs })
    }
}

impl Table {
    /// The table of `results` in the layout of the paper's table `layout`, or in none. Rows and data sets that the
    /// paper does not have follow its own, then what other papers report ([`super::Elsewhere`]); runs of a method that differ in more than their seeds have a row for each
    /// variant. `metrics` replaces the layout's.
    pub fn new(results: &[RunResult], layout: Option<&PaperTable>, metrics: &[String]) -> Self {
        let own: &[&str] = layout.map_or(&["fvm", "mig", "fid"], |table| table.metrics);
        let metrics: Vec<String> =
            if metrics.is_empty() { own.iter().map(|&m| m.to_owned()).collect() } else { metrics.to_vec() };
        let data = data_sets(results, layout);
        let mut columns = Vec::new();
        for (heading, ..) in &data {
            columns.extend(metrics.iter().map(|metric| (heading.clone(), metric.clone())));
        }
        let mut warnings = Vec::new();
        let mut rows = Vec::new();
        for (row, variant, heading) in rows_of(results, layout) {
            let mut cells = Vec::new();
            for (_, spec, size) in &data {
                let is_here = |run: &&RunResult| (run.row, &run.data, run.size) == (row, spec, *size);
                let runs: Vec<&RunResult> =
                    results.iter().filter(is_here).filter(|run| run.variant == variant).collect();
                for metric in &metrics {
                    let values: Vec<f64> =
                        runs.iter().filter_map(|run| run.metrics.get(metric).copied()).collect();
                    let published =
                        layout.and_then(|table| table.published(row, table.data_index(spec, *size)?, metric));
                    cells.push(TableCell { ours: Summary::of(&values), published });
                    warnings.extend(mixed_ways(&runs, metric).map(|ways| {
                        format!(
                            "{metric} of {heading} on {spec} is a mean over different measurements: {ways}"
                        )
                    }));
                }
            }
            rows.push((heading, cells));
        }
        let is_in_layout =
            |name: &str| layout.is_some_and(|table| table.rows.iter().any(|(_, heading)| *heading == name));
        for method in ELSEWHERE.iter().filter(|method| !is_in_layout(method.name)) {
            let of = |(_, spec, size): &(String, String, usize)| {
                let cell = |metric: &String| TableCell {
                    ours: None,
                    published: method.published(spec, *size, metric),
                };
                metrics.iter().map(cell).collect::<Vec<_>>()
            };
            let cells: Vec<TableCell> = data.iter().flat_map(of).collect();
            if cells.iter().any(|cell| cell.published.is_some()) {
                rows.push((method.heading(), cells));
            }
        }
        for (_, spec, size) in &data {
            let runs = results.iter().filter(|run| (&run.data, run.size) == (spec, *size));
            let runs: Vec<&RunResult> = runs.collect();
            warnings.extend(metrics.iter().filter_map(|metric| mixed_counts(&runs, metric, spec)));
        }
        let title = match layout {
            Some(table) => format!("Table {}. {}", table.number, table.title),
            None => "Results".to_owned(),
        };
        Self { title, columns, rows, note: note(results, layout, &metrics), warnings }
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut lines: Vec<Vec<String>> = vec![vec![String::new()], vec![String::new()], vec![String::new()]];
        let mut last = "";
        for (data, metric) in &self.columns {
            lines[0].extend([if data == last { String::new() } else { data.clone() }, String::new()]);
            lines[1].extend([metric_heading(metric), String::new()]);
            lines[2].extend(["ours (runs)".to_owned(), "paper".to_owned()]);
            last = data;
        }
        for (heading, cells) in &self.rows {
            let mut line = vec![heading.clone()];
            for cell in cells {
                let ours =
                    cell.ours.map(|s| format!("{} ({})", plus_minus(s.mean, s.deviation, " ± "), s.runs));
                let paper = cell.published.map(|(mean, deviation)| plus_minus(mean, deviation, " ± "));
                line.extend([ours, paper].map(|text| text.unwrap_or_else(|| "-".to_owned())));
            }
            lines.push(line);
        }
        let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
        let width = |i: usize| {
            let texts = lines.iter().skip(2).filter_map(|line| line.get(i));
            texts.map(|text| text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = format!("{}\n", self.title);
        for line in &lines {
            let mut out = String::new();
            let mut wanted = 0;
            for (field, width) in line.iter().zip(&widths) {
                // headings of several columns run on into the next
                let behind = out.chars().count();
                out.extend(std::iter::repeat_n(' ', usize::max(wanted, behind) - behind));
                out.push_str(field);
                wanted += width + 2;
            }
            text.push_str(out.trim_end());
            text.push('\n');
        }
        if let Some(note) = &self.note {
            text.push_str(&format!("{note}\n"));
        }
        text
    }

    /// One line a row and column, for programs.
    pub fn csv(&self) -> String {
        let mut text = "method,data,metric,mean,deviation,runs,paper_mean,paper_deviation\n".to_owned();
        for (heading, cells) in &self.rows {
            for ((data, metric), cell) in self.columns.iter().zip(cells) {
                let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
                let fields = [
                    quoted(heading),
                    quoted(data),
                    metric.clone(),
                    number(cell.ours.map(|s| s.mean)),
                    number(cell.ours.and_then(|s| s.deviation)),
                    cell.ours.map_or(0, |s| s.runs).to_string(),
                    number(cell.published.map(|p| p.0)),
                    number(cell.published.and_then(|p| p.1)),
                ];
                text.push_str(&fields.join(","));
                text.push('\n');
            }
        }
        text
    }

    /// A LaTeX table; needs the package booktabs.
    pub fn latex(&self) -> String {
        let per_data = self.columns.iter().filter(|(data, _)| *data == self.columns[0].0).count();
        let mut text = format!(
            "% needs \\usepackage{{booktabs}}\n\\begin{{table}}\n\\centering\n\\caption{{{}}}\n\
             \\begin{{tabular}}{{l{}}}\n\\toprule\n",
            escaped(&self.title),
            "cc".repeat(self.columns.len())
        );
        // writing into a String does not fail
        for data in self.columns.chunks(per_data.max(1)) {
            let _ = write!(text, " & \\multicolumn{{{}}}{{c}}{{{}}}", 2 * data.len(), escaped(&data[0].0));
        }
        text.push_str(" \\\\\n");
        for (_, metric) in &self.columns {
            let _ = write!(text, " & \\multicolumn{{2}}{{c}}{{{}}}", latex_metric(metric));
        }
        text.push_str(" \\\\\n");
        text.push_str(&" & ours & paper".repeat(self.columns.len()));
        text.push_str(" \\\\\n\\midrule\n");
        for (heading, cells) in &self.rows {
            text.push_str(&escaped(heading));
            for cell in cells {
                let ours = cell.ours.map(|s| plus_minus(s.mean, s.deviation, " \\pm "));
                let paper = cell.published.map(|(mean, deviation)| plus_minus(mean, deviation, " \\pm "));
                for number in [ours, paper] {
                    let _ = match number {
                        Some(number) => write!(text, " & ${number}$"),
                        None => write!(text, " & --"),
                    };
                }
            }
            text.push_str(" \\\\\n");
        }
        text.push_str("\\bottomrule\n\\end{tabular}\n\\end{table}\n");
        text
    }
}

/// Method, variant and heading of every row: the layout's in its order, then the others.
fn rows_of(results: &[RunResult], layout: Option<&PaperTable>) -> Vec<(Row, String, String)> {
    let mut rows = Vec::new();
    let mut add = |row: Row, heading: &str| {
        let variants: BTreeSet<&str> =
            results.iter().filter(|run| run.row == row).map(|run| run.variant.as_str()).collect();
        let variants = if variants.is_empty() { BTreeSet::from([""]) } else { variants };
        for variant in variants {
            rows.push((row, variant.to_owned(), named(heading, variant)));
        }
    };
    let published = layout.map_or(&[][..], |table| table.rows);
    published.iter().for_each(|(row, heading)| add(*row, heading));
    let others: BTreeSet<Row> = results.iter().map(|run| run.row).collect();
    let is_new = |row: &&Row| published.iter().all(|(known, _)| known != *row);
    others.iter().filter(is_new).for_each(|row| add(*row, &row.heading()));
    rows
}

/// That FID by another network than the paper's gives other sizes, where the two stand beside each other.
fn note(results: &[RunResult], layout: Option<&PaperTable>, metrics: &[String]) -> Option<String> {
    let layout = layout?;
    let is_asked = |metric: &str| metrics.iter().any(|own| own == metric);
    let is_own = |run: &RunResult| run.how.get("fid").is_some_and(|(_, words)| !words.contains("Inception"));
    let fid = (is_asked("fid") && results.iter().any(is_own)).then(|| {
        format!(
            "FID is ours by another network than in the paper's Table {}: compare its order, not its size.",
            layout.number
        )
    });
    let has = |metric: &str| is_asked(metric) && results.iter().any(|run| run.metrics.contains_key(metric));
    let features = has("diversity").then(|| {
        "Diversity is ours by another network than the paper's, which was never published, with controls from 0 to 1: compare \
         ours with ours."
            .to_owned()
    });
    let cosines = has("cosine").then(|| {
        "The paper does not say which weights its cosines are of: compare ours with ours.".to_owned()
    });
    let notes: Vec<String> = [fid, features, cosines].into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("\n"))
}

/// The ways in which a metric of runs in one cell was computed, where there are several.
fn mixed_ways(runs: &[&RunResult], metric: &str) -> Option<String> {
    let ways: BTreeSet<&str> =
        runs.iter().filter_map(|run| run.how.get(metric)).map(|(_, words)| words.as_str()).collect();
    (ways.len() > 1).then(|| ways.into_iter().collect::<Vec<_>>().join("; "))
}

/// That a metric of the runs in one column was measured on different numbers of pictures, where it was.
fn mixed_counts(runs: &[&RunResult], metric: &str, data: &str) -> Option<String> {
    let counts: BTreeSet<usize> =
        runs.iter().filter_map(|run| run.how.get(metric)).map(|how| how.0).collect();
    let (least, most) = (counts.first()?, counts.last()?);
    (least < most).then(|| {
        format!("{metric} on {data} was measured on {least} to {most} pictures; values of equally many compare best")
    })
}

/// Heading, specification and size of every data set with results: the layout's in its order, then the others.
fn data_sets(results: &[RunResult], layout: Option<&PaperTable>) -> Vec<(String, String, usize)> {
    let found: BTreeSet<(&str, usize)> = results.iter().map(|run| (run.data.as_str(), run.size)).collect();
    let place = |spec: &str, size| layout.and_then(|table| table.data_index(spec, size));
    let mut data: Vec<_> = found.into_iter().map(|(spec, size)| (place(spec, size), spec, size)).collect();
    data.sort_by_key(|(place, ..)| place.unwrap_or(usize::MAX));
    let heading = |place: Option<usize>, spec: &str, size: usize| match (layout, place) {
        (Some(table), Some(place)) => table.data[place].2.to_owned(),
        _ => format!("{spec} {size}x{size}"),
    };
    let headings: Vec<String> = data.iter().map(|&(p, spec, size)| heading(p, spec, size)).collect();
    let own = |index: usize| {
        let (_, spec, size) = data[index];
        // The same data from two places stand in columns of their own.
        let is_shared = headings.iter().filter(|other| **other == headings[index]).count() > 1;
        let heading =
            if is_shared { format!("{} ({spec})", headings[index]) } else { headings[index].clone() };
        (heading, spec.to_owned(), size)
    };
    (0..data.len()).map(own).collect()
}

/// Better is up or down.
fn metric_heading(metric: &str) -> String {
    match metric {
        "fvm" | "mig" => format!("{} ↑", metric.to_uppercase()),
        "fid" => "FID ↓".to_owned(),
        "r_id" => "R_ID ↑".to_owned(),
        "gilbo" => "GILBO ↑".to_owned(),
        "diversity" => "diversity ↑".to_owned(),
        "cosine" => "cosine ↓".to_owned(),
        other => other.to_owned(),
    }
}

fn latex_metric(metric: &str) -> String {
    let better = |name: &str, arrow: &str| format!("{name} (${arrow}$)");
    match metric {
        "fvm" | "mig" | "gilbo" => better(&metric.to_uppercase(), "\\uparrow"),
        "fid" => better("FID", "\\downarrow"),
        "r_id" => better("$\\mathcal{R}_{\\mathrm{ID}}$", "\\uparrow"),
        other => escaped(other),
    }
}

/// As the paper prints it: two decimals.
fn plus_minus(mean: f64, deviation: Option<f64>, sign: &str) -> String {
    match deviation {
        Some(deviation) => format!("{mean:.2}{sign}{deviation:.2}"),
        None => format!("{mean:.2}"),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            'β' => out.push_str("$\\beta$"),
            '%' | '&' | '#' | '_' | '$' | '{' | '}' => out.extend(['\\', c]),
            '\\' => out.push_str("\\textbackslash{}"),
            '~' | '^' => out.extend(['\\', c, '{', '}']),
            _ => out.push(c),
        }
    }
    out
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::training::Method;

    fn run(method: Method, vae: Option<Method>, seed: u64, metrics: &[(&str, f64)]) -> RunResult {
        RunResult {
            folder: format!("{seed}").into(),
            row: Row { method, vae },
            data: "dsprites".into(),
            size: 64,
            seed,
            variant: String::new(),
            how: BTreeMap::new(),
            w_info: None,
            metrics: metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        }
    }

    fn table() -> Table {
        let results = [
            run(Method::BetaVae, None, 0, &[("fvm", 0.5), ("mig", 0.25), ("fid", 30.0)]),
            run(Method::BetaVae, None, 1, &[("fvm", 0.7), ("mig", 0.25), ("fid", 50.0)]),
            run(Method::Idgan, Some(Method::BetaVae), 0, &[("fid", 3.0)]),
            run(Method::Cgan, Some(Method::BetaVae), 0, &[("fid", 4.5)]),
        ];
        Table::new(&results, PaperTable::numbered(2), &[])
    }

    #[test]
    fn seeds_become_mean_and_deviation_beside_the_published_numbers() {
        let table = table();
        let headings: Vec<_> = table.rows.iter().map(|row| row.0.as_str()).collect();
        let paper = ["β-VAE (reference)", "VAE-GAN", "ID-GAN (end-to-end)", "ID-GAN (two-step)"];
        assert_eq!(headings[..4], paper);
        assert_eq!(headings[4], "cGAN+β-VAE", "what the paper's table lacks comes after it");
        assert_eq!(headings[5..], ["IB-GAN (Jeon et al., AAAI 2021)", "OOGAN (Liu et al., AAAI 2020)"]);
        let elsewhere: Vec<_> = table.rows[5].1.iter().map(|cell| (cell.ours, cell.published)).collect();
        assert_eq!(elsewhere, [(None, Some((0.8, Some(0.06)))), (None, None), (None, None)]);
        let fvm = table.rows[0].1[0];
        let ours = fvm.ours.expect("measured");
        assert!((ours.mean - 0.6).abs() < 1e-12 && ours.runs == 2);
        assert!(ours.deviation.is_some_and(|d| (d - 0.02f64.sqrt()).abs() < 1e-12), "{ours:?}");
        assert_eq!(fvm.published, Some((0.65, Some(0.08))));
        let fid = table.rows[3].1[2];
        assert_eq!(fid.ours, Some(Summary { mean: 3.0, deviation: None, runs: 1 }));
        assert_eq!(table.rows[4].1[2].published, None);
        assert_eq!(table.rows[1].1[0].ours, None);
    }

    #[test]
    fn variants_have_rows_of_their_own_and_mixtures_are_told() {
        let vae = Some(Method::BetaVae);
        let how = |samples, words: &str| BTreeMap::from([("fid".to_owned(), (samples, words.to_owned()))]);
        let mut weak = run(Method::Idgan, vae, 0, &[("fid", 3.0)]);
        (weak.variant, weak.how) = ("gan.w_info=0.1".into(), how(100, "a"));
        let mut strong = run(Method::Idgan, vae, 0, &[("fid", 9.0)]);
        (strong.variant, strong.how) = ("gan.w_info=1".into(), how(50, "a"));
        let other = RunResult { how: how(50, "b"), seed: 1, ..strong.clone() };
        let elsewhere = RunResult { data: "dsprites:file".into(), ..weak.clone() };
        let table = Table::new(&[weak, strong, other, elsewhere], PaperTable::numbered(2), &["fid".into()]);
        let rows: Vec<&str> = table.rows.iter().map(|row| row.0.as_str()).collect();
        assert_eq!(rows[3..], ["ID-GAN (two-step), gan.w_info=0.1", "ID-GAN (two-step), gan.w_info=1"]);
        assert_eq!(table.rows[4].1[0].ours.map(|ours| (ours.mean, ours.runs)), Some((9.0, 2)));
        assert_eq!(table.columns[0].0, "dSprites (dsprites)", "{:?}", table.columns);
        let about = |words: &str| table.warnings.iter().filter(|warning| warning.contains(words)).count();
        assert_eq!(
            (about("different measurements: a; b"), about("50 to 100 pictures")),
            (1, 1),
            "{:?}",
            table.warnings
        );
        assert_eq!(table.warnings.len(), 2);
    }

    #[test]
    fn text_lines_its_columns_up() {
        let text = table().text();
        let lines: Vec<&str> = text.lines().collect();
        let column = |line: &str, what: &str| line.find(what).map(|byte| line[..byte].chars().count());
        assert!(text.contains("0.60 ± 0.14 (2)"), "{text}");
        assert_eq!(column(lines[2], "FVM"), column(lines[4], "0.60"), "{text}");
        assert_eq!(column(lines[2], "FID"), column(lines[7], "3.00 (1)"), "{text}");
    }

    #[test]
    fn latex_and_csv_hold_the_same_numbers() {
        let latex = table().latex();
        assert!(latex.contains("$\\beta$-VAE (reference) & $0.60 \\pm 0.14$ & $0.65 \\pm 0.08$"), "{latex}");
        assert!(latex.contains("\\multicolumn{6}{c}{dSprites}"));
        for line in latex.lines().filter(|line| line.contains("VAE") && line.ends_with("\\\\")) {
            assert_eq!(line.matches('&').count(), 6, "{line}");
        }
        let csv = table().csv();
        assert!(csv.contains("ID-GAN (two-step),dSprites,fid,3,,1,2,1.74\n"), "{csv}");
        assert_eq!(csv.lines().count(), 1 + 7 * 3);
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
