use serde_json::{Map, Value};

use crate::explore::Codes;
use crate::figures::export::numbers;

/// The codes as JSON: `{"c": [..], "s": [..]}`, one array a block.
pub(crate) fn to_json(codes: &Codes) -> String {
    let blocks: Map<String, Value> =
        codes.blocks().map(|(name, values)| (name.to_owned(), numbers(values.row(0)))).collect();
    Value::Object(blocks).to_string()
}

/// Codes from JSON: an object of arrays by block, or one array for the only block it can be. Blocks that are left
/// out keep the values of `current`.
pub(crate) fn from_json(text: &str, current: &Codes) -> Result<Codes, String> {
    let value: Value = serde_json::from_str(text.trim()).map_err(|_| {
        "the clipboard holds no codes; copy some first (JSON such as {\"c\": [0.5, 0]})".to_owned()
    })?;
    let numbers = |value: &Value| -> Option<Vec<f32>> {
        value.as_array()?.iter().map(|v| v.as_f64().map(|v| v as f32)).collect()
    };
    let mut codes = current.select(&[0]);
    let mut set = |name: &str, values: &Value| {
        let values = numbers(values).ok_or_else(|| format!("block {name} is not an array of numbers"))?;
        codes.set_row(name, 0, &values).map_err(|error| error.to_string())
    };
    match &value {
        Value::Object(blocks) if !blocks.is_empty() => {
            for (name, values) in blocks {
                set(name, values)?;
            }
        }
        Value::Array(values) => {
            let fits: Vec<&str> = current
                .blocks()
                .filter(|(_, block)| block.row_len() == values.len())
                .map(|(name, _)| name)
                .collect();
            match fits[..] {
                [name] => set(name, &value)?,
                _ => return Err(format!("no code block is {} numbers wide", values.len())),
            }
        }
        _ => return Err("the clipboard holds no codes; copy some first".to_owned()),
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::toy;

    #[test]
    fn codes_survive_the_clipboard() {
        let description = toy::description();
        let codes = crate::explore::draw_all(&description, 1, 5, None);
        let neutral = Codes::neutral(&description, 1);
        assert_eq!(from_json(&to_json(&codes), &neutral), Ok(codes));
        let mut short = neutral.clone();
        short.set_row("c", 0, &[0.1, -0.3, 1e-7]).expect("fits");
        assert_eq!(to_json(&short), "{\"c\":[0.1,-0.3,1e-7],\"s\":[0.0,0.0]}");
    }

    #[test]
    fn parts_and_plain_arrays_are_understood_and_nonsense_is_named() {
        let neutral = Codes::neutral(&toy::description(), 1);
        let pasted = from_json("[1, 2, 3]", &neutral).expect("c is three wide");
        assert_eq!(pasted.row("c", 0), Ok(&[1.0, 2.0, 3.0][..]));
        assert_eq!(pasted.row("s", 0), Ok(&[0.0, 0.0][..]));
        assert!(from_json("{\"s\": [4, 5]}", &neutral).is_ok());
        for (text, part) in [
            ("hello", "no codes"),
            ("{}", "no codes"),
            ("7", "no codes"),
            ("[1]", "1 numbers wide"),
            ("{\"q\": [1]}", "no code block called q"),
            ("{\"c\": [1]}", "takes 3 values"),
            ("{\"c\": 1}", "not an array"),
            ("{\"c\": [1, 2, 1e99]}", "finite"),
        ] {
            let error = from_json(text, &neutral).expect_err("refused");
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
