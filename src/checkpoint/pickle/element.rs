use super::super::dtype::DType;

/// The type of stored numbers: one that is read, or one of which no more than the size has to be known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// PyTorch's name, for instance `float32`.
    pub(super) name: &'static str,
    /// Bytes of one number.
    pub(super) size: usize,
    /// How it is read; `None` where it is not.
    pub(super) dtype: Option<DType>,
    /// What PyTorch calls a storage of them before the word `Storage`; empty where it has none.
    storage: &'static str,
}

const fn read(name: &'static str, storage: &'static str, size: usize, dtype: DType) -> Element {
    Element { name, size, dtype: Some(dtype), storage }
}

const fn skipped(name: &'static str, storage: &'static str, size: usize) -> Element {
    Element { name, size, dtype: None, storage }
}

static ELEMENTS: [Element; 27] = [
    read("float32", "Float", 4, DType::F32),
    read("float64", "Double", 8, DType::F64),
    read("float16", "Half", 2, DType::F16),
    read("bfloat16", "BFloat16", 2, DType::BF16),
    read("int64", "Long", 8, DType::I64),
    read("int32", "Int", 4, DType::I32),
    read("int16", "Short", 2, DType::I16),
    read("int8", "Char", 1, DType::I8),
    read("uint8", "Byte", 1, DType::U8),
    read("bool", "Bool", 1, DType::Bool),
    read("uint16", "", 2, DType::U16),
    read("uint32", "", 4, DType::U32),
    read("uint64", "", 8, DType::U64),
    skipped("complex32", "ComplexHalf", 4),
    skipped("complex64", "ComplexFloat", 8),
    skipped("complex128", "ComplexDouble", 16),
    skipped("qint8", "QInt8", 1),
    skipped("quint8", "QUInt8", 1),
    skipped("qint32", "QInt32", 4),
    skipped("quint4x2", "QUInt4x2", 1),
    skipped("quint2x4", "QUInt2x4", 1),
    skipped("float8_e4m3fn", "", 1),
    skipped("float8_e4m3fnuz", "", 1),
    skipped("float8_e5m2", "", 1),
    skipped("float8_e5m2fnuz", "", 1),
    skipped("float8_e8m0fnu", "", 1),
    // Bytes whose type the tensor tells.
    skipped("bytes", "Untyped", 1),
];

impl Element {
    /// The type that a storage class or a dtype of PyTorch stands for: `torch.FloatStorage`, `torch.uint16`,
    /// `torch.storage.UntypedStorage`.
    pub(super) fn named(module: &str, name: &str) -> Option<&'static Self> {
        if !matches!(module, "torch" | "torch.storage" | "torch.cuda") {
            return None;
        }
        match name.strip_suffix("Storage") {
            Some(class) if !class.is_empty() => ELEMENTS.iter().find(|element| element.storage == class),
            _ => ELEMENTS.iter().find(|element| element.name == name && element.name != "bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storages_and_types_are_known_by_their_names() {
        let found = |module, name| Element::named(module, name).map(|element| (element.name, element.size));
        assert_eq!(found("torch", "FloatStorage"), Some(("float32", 4)));
        assert_eq!(found("torch.cuda", "HalfStorage"), Some(("float16", 2)));
        assert_eq!(found("torch", "uint16"), Some(("uint16", 2)));
        assert_eq!(found("torch.storage", "UntypedStorage"), Some(("bytes", 1)));
        assert_eq!(found("torch", "ComplexDoubleStorage"), Some(("complex128", 16)));
        for (module, name) in
            [("torch", "Storage"), ("torch", "bytes"), ("os", "float32"), ("torch", "XStorage")]
        {
            assert_eq!(found(module, name), None, "{module}.{name}");
        }
        let readable = ELEMENTS.iter().filter_map(|element| Some((element.dtype?.size(), element.size)));
        assert!(readable.clone().count() == 13 && readable.into_iter().all(|(ours, theirs)| ours == theirs));
    }
}
