//! Results as tables for programs and papers.

use std::fmt::Write;

use super::{Evaluation, Score};

impl Evaluation {
    /// One line a metric: name, value, both ends of the interval, samples, and what was measured. An end that is not known is
    /// left empty.
    pub fn csv(&self) -> String {
        let mut text = "metric,value,low,high,samples,data,seed,model\n".to_owned();
        let data = self.data.replace('"', "\"\"");
        for (metric, score) in &self.metrics {
            let samples = self.samples.get(metric).copied().unwrap_or_default();
            let [low, high] = ends(score).map(|end| end.map(|end| end.to_string()).unwrap_or_default());
            // Writing into a String does not fail.
            let _ = writeln!(
                text,
                "{metric},{},{low},{high},{samples},\"{data}\",{},{}",
                score.value, self.seed, self.model_hash
            );
        }
        text
    }

    /// A LaTeX table of values and intervals; needs the package booktabs.
    pub fn latex(&self) -> String {
        let mut text = "% needs \\usepackage{booktabs}\n\\begin{tabular}{lrrr}\n\\toprule\n".to_owned();
        text += "metric & value & 95\\,\\% interval & samples \\\\\n\\midrule\n";
        for (metric, score) in &self.metrics {
            let samples = self.samples.get(metric).copied().unwrap_or_default();
            let [low, high] = ends(score).map(|end| end.map_or("?".to_owned(), |end| metric.figure(end)));
            let _ = writeln!(
                text,
                "{} & ${}$ & ${low}$ to ${high}$ & {samples} \\\\",
                metric.title().replace('_', "\\_"),
                metric.figure(score.value)
            );
        }
        let data = self.data.replace(['\n', '\r'], " ");
        let _ = writeln!(text, "\\bottomrule\n\\end{{tabular}}\n% on {data}, seed {}", self.seed);
        text
    }
}

/// Both ends of an interval, where they are known.
fn ends(score: &Score) -> [Option<f64>; 2] {
    [score.low, score.high].map(|end| Some(end).filter(|end| end.abs() < f64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::Metric;
    use super::*;

    fn results() -> Evaluation {
        let mut results = Evaluation {
            data: "images:a,\"b".into(),
            seed: 3,
            model_hash: "ab".into(),
            ..Evaluation::default()
        };
        results.metrics.insert(Metric::Mig, Score { value: 0.25, low: 0.2, high: 0.3, parts: Vec::new() });
        results.metrics.insert(Metric::RId, Score::spread(-1.5, f64::INFINITY, [f64::MIN, f64::MAX]));
        results.samples.insert(Metric::Mig, 100);
        results
    }

    #[test]
    fn a_table_has_a_line_for_each_metric_and_nothing_for_an_end_that_is_not_known() {
        let text = results().csv();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "metric,value,low,high,samples,data,seed,model");
        assert_eq!(lines[1], "mig,0.25,0.2,0.3,100,\"images:a,\"\"b\",3,ab");
        assert_eq!(lines[2], "r_id,-1.5,,,0,\"images:a,\"\"b\",3,ab");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_table_for_latex_has_its_special_characters_escaped() {
        let text = results().latex();
        assert!(text.contains("MIG & $0.250$ & $0.200$ to $0.300$ & 100 \\\\\n"), "{text}");
        assert!(text.contains("R\\_ID (nats) & $-1.500$ & $?$ to $?$ & 0 \\\\\n"), "{text}");
    }
}
