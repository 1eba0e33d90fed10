use std::collections::BTreeSet;
use std::fmt::Write;

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
    /// paper does not have follow its own. `metrics` replaces the layout's.
    pub fn new(results: &[RunResult], layout: Option<&PaperTable>, metrics: &[String]) -> Self {
        let own: &[&str] = layout.map_or(&["fvm", "mig", "fid"], |table| table.metrics);
        let metrics: Vec<String> =
            if metrics.is_empty() { own.iter().map(|&m| m.to_owned()).collect() } else { metrics.to_vec() };
        let headings = layout.map_or(&[][..], |table| table.rows);
        let mut rows: Vec<(Row, String)> =
            headings.iter().map(|(row, heading)| (*row, (*heading).to_owned())).collect();
        let others: BTreeSet<Row> = results.iter().map(|run| run.row).collect();
        let new = others.into_iter().filter(|row| rows.iter().all(|(known, _)| known != row));
        let new: Vec<_> = new.map(|row| (row, row.heading())).collect();
        rows.extend(new);

        let data = data_sets(results, layout);
        let mut columns = Vec::new();
        for (heading, ..) in &data {
            columns.extend(metrics.iter().map(|metric| (heading.clone(), metric.clone())));
        }
        let cell = |row: Row, data: &(String, String, usize), metric: &String| {
            let (_, spec, size) = data;
            let same = results.iter().filter(|run| run.row == row && (&run.data, run.size) == (spec, *size));
            let values: Vec<f64> = same.filter_map(|run| run.metrics.get(metric).copied()).collect();
            let published =
                layout.and_then(|table| table.published(row, table.data_index(spec, *size)?, metric));
            TableCell { ours: Summary::of(&values), published }
        };
        let rows = rows.into_iter().map(|(row, heading)| {
            let cells =
                data.iter().flat_map(|data| metrics.iter().map(move |metric| cell(row, data, metric)));
            (heading, cells.collect())
        });
        let title = match layout {
            Some(table) => format!("Table {}. {}", table.number, table.title),
            None => "Results".to_owned(),
        };
        Self { title, columns, rows: rows.collect() }
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
    data.into_iter().map(|(p, spec, size)| (heading(p, spec, size), spec.to_owned(), size)).collect()
}

/// Better is up or down.
fn metric_heading(metric: &str) -> String {
    match metric {
        "fvm" | "mig" => format!("{} ↑", metric.to_uppercase()),
        "fid" => "FID ↓".to_owned(),
        "r_id" => "R_ID ↑".to_owned(),
        "gilbo" => "GILBO ↑".to_owned(),
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
    use super::*;
    use crate::training::Method;

    fn run(method: Method, vae: Option<Method>, seed: u64, metrics: &[(&str, f64)]) -> RunResult {
        RunResult {
            folder: format!("{seed}").into(),
            row: Row { method, vae },
            data: "dsprites".into(),
            size: 64,
            seed,
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
        assert_eq!(headings[4], "cGAN+β-VAE", "what the paper's table lacks comes last");
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
        assert_eq!(csv.lines().count(), 1 + 5 * 3);
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
