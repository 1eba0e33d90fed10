use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::prepared::Prepared;
use crate::base::FileError;
use crate::data::factor_table::{FactorTable, KnownFactors};
use crate::data::store::Store;
use crate::data::{DataError, Factor};

/// What the list of attributes is called, and as some have turned it into a table.
const NAMES: [&str; 2] = ["list_attr_celeba.txt", "list_attr_celeba.csv"];

/// The most bytes of such a list: that of 202,599 pictures has 26 MB.
const MOST_BYTES: u64 = 256 << 20;

/// The most attributes: 40 are published.
const MOST: usize = 1 << 10;

/// The attributes of the faces, where a list of them lies among the pictures, beside their folder or archive, or in `Anno` beside
/// that or beside the folder that holds it, as they are published.
pub(super) struct AttributeList {
    text: String,
    path: PathBuf,
}

impl AttributeList {
    /// Finds the list.
    pub(super) fn find(store: &Store) -> Result<Option<Self>, DataError> {
        let is_list =
            |name: &Path| name.file_name().is_some_and(|file| NAMES.iter().any(|known| file == *known));
        if let Some(entry) = store.entries().iter().find(|entry| is_list(entry.name())) {
            let path = store.path_of(entry);
            let reader = store.reader(entry).map_err(|error| DataError::io(error, &path))?;
            return Self::read(reader, path).map(Some);
        }
        // so that a relative path has folders above it
        let whole = std::path::absolute(store.path()).unwrap_or_else(|_| store.path().to_owned());
        let above = || whole.ancestors().skip(1).take(2);
        let beside = above().take(1).map(Path::to_owned).chain(above().map(|folder| folder.join("Anno")));
        let path = beside.flat_map(|folder| NAMES.map(|name| folder.join(name))).find(|path| path.is_file());
        let Some(path) = path else { return Ok(None) };
        let file = File::open(&path).map_err(|error| FileError::new(error, &path))?;
        Self::read(file, path).map(Some)
    }

    fn read(reader: impl Read, path: PathBuf) -> Result<Self, DataError> {
        let mut text = String::new();
        reader.take(MOST_BYTES).read_to_string(&mut text).map_err(|error| DataError::io(error, &path))?;
        Ok(Self { text, path })
    }

    /// The attributes of the prepared pictures, a factor each.
    pub(super) fn of(&self, pictures: &Prepared) -> Result<FactorTable, DataError> {
        let content = |what: String| DataError::Content { what, path: self.path.clone() };
        let (names, rows) = parse(&self.text).map_err(content)?;
        let mut classes = Vec::with_capacity(pictures.len() * names.len());
        for picture in 0..pictures.len() {
            let file = pictures.name(picture).file_name().and_then(|file| file.to_str()).unwrap_or_default();
            let row = rows.get(file).ok_or_else(|| {
                content(format!(
                    "it has no line for {}, so its attributes are not known; use the list that belongs to the pictures, or name \
                     them as images:FOLDER",
                    crate::formats::shorten(file)
                ))
            })?;
            classes.extend(row);
        }
        let factor =
            |name: &&str| Factor { values: vec![-1.0, 1.0], ..Factor::of_names(*name, &["no", "yes"]) };
        Ok(FactorTable::listed(KnownFactors { factors: names.iter().map(factor).collect(), classes }))
    }
}

/// The names of the attributes, and for each file whether it has them: 1 or 0.
type Parsed<'a> = (Vec<&'a str>, HashMap<&'a str, Vec<u16>>);

/// Reads a list: a line with the number of pictures (not in a table), one with names, and one for each picture with its file's
/// name and 1 or -1 for each attribute.
fn parse(text: &str) -> Result<Parsed<'_>, String> {
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, split(line)));
    let mut names = lines.next().map(|(_, words)| words).unwrap_or_default();
    if let [count] = names[..]
        && count.parse::<usize>().is_ok()
    {
        names = lines.next().map(|(_, words)| words).unwrap_or_default();
    }
    if names.first().is_some_and(|first| *first == "image_id") {
        names.remove(0);
    }
    if names.is_empty() || names.len() > MOST {
        return Err(
            "it does not begin with the names of attributes, as list_attr_celeba.txt does; download it again"
                .into(),
        );
    }
    let mut rows = HashMap::new();
    for (line, words) in lines {
        let Some((file, values)) = words.split_first() else { continue };
        let class = |value: &&str| match *value {
            "1" => Some(1),
            "-1" | "0" => Some(0),
            _ => None,
        };
        let values: Option<Vec<u16>> = values.iter().map(class).collect();
        let values = values.filter(|values| values.len() == names.len());
        let values = values.ok_or_else(|| {
            format!("its line {line} does not hold a file's name and 1 or -1 for each of {} attributes; download it again", names.len())
        })?;
        rows.insert(*file, values);
    }
    Ok((names, rows))
}

fn split(line: &str) -> Vec<&str> {
    line.split([' ', ',', '\t']).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_list_are_read() {
        let list = "2\nBald Smiling \n000001.jpg -1  1\n000002.jpg  1 -1\n";
        let table = "image_id,Bald,Smiling\r\n000001.jpg,-1,1\r\n000002.jpg,1,-1\r\n";
        for text in [list, table] {
            let (names, rows) = parse(text).expect("reads");
            assert_eq!(
                (names, &rows["000001.jpg"], &rows["000002.jpg"]),
                (vec!["Bald", "Smiling"], &vec![0, 1], &vec![1, 0])
            );
        }
    }

    #[test]
    fn a_broken_line_is_named() {
        for text in ["2\nBald Smiling\na.jpg 1 1\nb.jpg 1\n", "2\nBald Smiling\na.jpg 1 1\nb.jpg 1 x\n"] {
            let error = parse(text).expect_err("broken");
            assert!(error.starts_with("its line 4 does not hold"), "{error}");
        }
        assert!(parse("").is_err() && parse("7\n").is_err());
    }
}
