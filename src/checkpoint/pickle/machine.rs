use std::collections::HashMap;
use std::io::Read;

use super::torch::{self, Global, malformed};
use super::tree::{Id, Node, Tree};

/// Most instructions of one pickle; a network of a thousand tensors with its optimiser takes some 150,000.
const MOST_STEPS: u32 = 2_000_000;
/// Most bytes of one pickle; tensors lie outside it, so real ones stay below a few megabytes.
const MOST_BYTES: u64 = 64 << 20;
/// Longest module or function name.
const LONGEST_NAME: usize = 256;

/// Why a pickle could not be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The bytes could not be read.
    Read(std::io::Error),
    /// They were read and make no sense, or ask for what is not allowed.
    Content(String),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

impl From<String> for Fault {
    fn from(what: String) -> Self {
        Self::Content(what)
    }
}

/// Reads one pickle from `input`, which is left right behind it, into `tree`; returns the value it builds.
pub(super) fn run(input: &mut impl Read, tree: &mut Tree) -> Result<Id, Fault> {
    let mut machine = Machine {
        input: input.take(MOST_BYTES),
        tree,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    for _ in 0..MOST_STEPS {
        if let Some(result) = machine.step()? {
            return Ok(result);
        }
    }
    Err(malformed("far more instructions than weights need").into())
}

struct Machine<'a, R> {
    input: std::io::Take<&'a mut R>,
    tree: &'a mut Tree,
    stack: Vec<Id>,
    /// Heights of the stack at the marks that are still open.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<R: Read> Machine<'_, R> {
    /// Executes one instruction; the last one returns the result.
    fn step(&mut self) -> Result<Option<Id>, Fault> {
        match self.byte()? {
            // Protocol and frames carry nothing that is needed.
            0x80 => drop(self.byte()?),
            0x95 => drop(self.bytes::<8>()?),
            b'.' => return self.pop().map(Some).map_err(Fault::from),

            // Constants.
            b'N' => self.push(Node::None),
            0x88 => self.push(Node::Bool(true)),
            0x89 => self.push(Node::Bool(false)),
            b'K' => {
                let value = self.byte()?;
                self.push(Node::Int(i64::from(value)));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.bytes()?);
                self.push(Node::Int(i64::from(value)));
            }
            b'J' => {
                let value = i32::from_le_bytes(self.bytes()?);
                self.push(Node::Int(i64::from(value)));
            }
            0x8a => {
                let len = u32::from(self.byte()?);
                self.long(len)?;
            }
            0x8b => {
                let len = self.length()?;
                self.long(len)?;
            }
            b'G' => {
                let value = f64::from_be_bytes(self.bytes()?);
                self.push(Node::Float(value));
            }
            0x8c | b'U' => {
                let len = u32::from(self.byte()?);
                self.text(len)?;
            }
            b'X' | b'T' => {
                let len = self.length()?;
                self.text(len)?;
            }
            0x8d => {
                let len = u64::from_le_bytes(self.bytes()?);
                self.text(u32::try_from(len).map_err(|_| malformed("a text of absurd length"))?)?;
            }
            b'C' => {
                let len = u32::from(self.byte()?);
                self.raw(len)?;
            }
            b'B' => {
                let len = self.length()?;
                self.raw(len)?;
            }

            // Containers.
            b'(' => self.marks.push(self.stack.len()),
            b')' => self.push(Node::Tuple(Box::default())),
            b']' => self.push(Node::List(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Node::Tuple(items.into()));
            }
            count @ 0x85..=0x87 => {
                let at = self.height_below(usize::from(count - 0x84))?;
                let items = self.stack.split_off(at);
                self.push(Node::Tuple(items.into()));
            }
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Node::List(items));
            }
            b'd' => {
                let pairs = pairs(&self.pop_to_mark()?)?;
                self.push(Node::Dict(pairs));
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(&items)?;
            }
            b's' => {
                let at = self.height_below(2)?;
                let items = self.stack.split_off(at);
                self.set(&items)?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set(&items)?;
            }

            // The stack and the memo.
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'q' => {
                let number = u32::from(self.byte()?);
                self.memoise(number)?;
            }
            b'r' => {
                let number = u32::from_le_bytes(self.bytes()?);
                self.memoise(number)?;
            }
            0x94 => {
                let number = self.memo.len() as u32;
                self.memoise(number)?;
            }
            b'h' => {
                let number = u32::from(self.byte()?);
                self.recall(number)?;
            }
            b'j' => {
                let number = u32::from_le_bytes(self.bytes()?);
                self.recall(number)?;
            }

            // Names and calls.
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push_global(&module, &name)?;
            }
            0x93 => {
                let (name, module) = (self.pop_name()?, self.pop_name()?);
                self.push_global(&module, &name)?;
            }
            b'R' => {
                let (arguments, callee) = (self.pop()?, self.pop()?);
                let &Node::Global(global) = self.tree.node(callee) else {
                    return Err(malformed("a call of something that is no function").into());
                };
                let result = torch::call(self.tree, global, arguments)?;
                self.stack.push(result);
            }
            b'Q' => {
                let tuple = self.pop()?;
                let storage = torch::storage(self.tree, tuple)?;
                self.stack.push(storage);
            }
            // An OrderedDict's attributes: PyTorch keeps version numbers of layers there.
            b'b' => {
                let (state, target) = (self.pop()?, self.top()?);
                if !matches!((self.tree.node(state), self.tree.node(target)), (Node::Dict(_), Node::Dict(_)))
                {
                    return Err(malformed("attributes on something other than a dict").into());
                }
            }
            other => {
                return Err(
                    malformed(&format!("instruction 0x{other:02x}, which state dicts do not use")).into()
                );
            }
        }
        Ok(None)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        if self.input.limit() < N as u64 {
            return Err(malformed("far more bytes than weights need").into());
        }
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn length(&mut self) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    /// `len` bytes; memory is taken as they arrive, not as they are announced.
    fn take(&mut self, len: u32) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        self.input.by_ref().take(u64::from(len)).read_to_end(&mut bytes)?;
        if bytes.len() != len as usize {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        bytes.shrink_to_fit();
        Ok(bytes)
    }

    fn text(&mut self, len: u32) -> Result<(), Fault> {
        let text = String::from_utf8(self.take(len)?).map_err(|_| malformed("a text that is not UTF-8"))?;
        self.push(Node::Text(text.into()));
        Ok(())
    }

    fn raw(&mut self, len: u32) -> Result<(), Fault> {
        self.take(len)?;
        self.push(Node::Bytes);
        Ok(())
    }

    /// A whole number as `len` bytes of little endian two's complement.
    fn long(&mut self, len: u32) -> Result<(), Fault> {
        let bytes = self.take(len)?;
        let node = if bytes.len() <= 8 {
            let negative = bytes.last().is_some_and(|&last| last >= 0x80);
            let mut wide = [if negative { 0xff } else { 0 }; 8];
            wide[..bytes.len()].copy_from_slice(&bytes);
            Node::Int(i64::from_le_bytes(wide))
        } else {
            Node::Big(bytes.into())
        };
        self.push(node);
        Ok(())
    }

    fn line(&mut self) -> Result<String, Fault> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => break,
                byte if line.len() < LONGEST_NAME => line.push(byte),
                _ => return Err(malformed("a name of absurd length").into()),
            }
        }
        Ok(String::from_utf8_lossy(&line).chars().filter(|c| !c.is_control()).collect())
    }

    fn push_global(&mut self, module: &str, name: &str) -> Result<(), Fault> {
        let global: Global = torch::find_global(module, name)?;
        self.push(Node::Global(global));
        Ok(())
    }

    fn push(&mut self, node: Node) {
        let id = self.tree.push(node);
        self.stack.push(id);
    }

    /// The stack's height after taking `count` items off, none of them below the last mark.
    fn height_below(&self, count: usize) -> Result<usize, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let height = self.stack.len().checked_sub(count).filter(|&height| height >= floor);
        height.ok_or_else(|| malformed("an instruction that finds too few values"))
    }

    fn pop(&mut self) -> Result<Id, String> {
        self.height_below(1)?;
        self.stack.pop().ok_or_else(|| malformed("an instruction that finds no value"))
    }

    fn top(&self) -> Result<Id, String> {
        self.stack.last().copied().ok_or_else(|| malformed("an instruction that finds no value"))
    }

    fn pop_name(&mut self) -> Result<String, String> {
        let id = self.pop()?;
        match self.tree.node(id) {
            Node::Text(text) if text.len() <= LONGEST_NAME => {
                Ok(text.chars().filter(|c| !c.is_control()).collect())
            }
            _ => Err(malformed("a name that is no text")),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or_else(|| malformed("a container without a beginning"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn append(&mut self, items: &[Id]) -> Result<(), String> {
        let target = self.top()?;
        match self.tree.node_mut(target) {
            Node::List(list) => list.extend_from_slice(items),
            _ => return Err(malformed("items added to something other than a list")),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), String> {
        let target = self.top()?;
        let pairs = pairs(items)?;
        match self.tree.node_mut(target) {
            Node::Dict(dict) => dict.extend(pairs),
            _ => return Err(malformed("keys set in something other than a dict")),
        }
        Ok(())
    }

    fn memoise(&mut self, number: u32) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(number, top);
        Ok(())
    }

    fn recall(&mut self, number: u32) -> Result<(), String> {
        let id = self.memo.get(&number).ok_or_else(|| malformed("a reference to nothing"))?;
        self.stack.push(*id);
        Ok(())
    }
}

/// Keys and values that take turns.
fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, String> {
    let (pairs, rest) = items.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(malformed("a key without a value"));
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tree::Value;
    use super::*;

    fn load(bytes: &[u8]) -> Result<(Tree, Id), String> {
        let mut tree = Tree::default();
        let id = run(&mut &bytes[..], &mut tree).map_err(|fault| match fault {
            Fault::Read(error) => error.to_string(),
            Fault::Content(what) => what,
        })?;
        Ok((tree, id))
    }

    #[test]
    fn plain_values_are_read() {
        let (tree, id) = load(b"\x80\x02}q\x00(X\x01\x00\x00\x00aK\x07X\x01\x00\x00\x00b]q\x01(J\xff\xff\xff\xffG?\xf0\x00\x00\x00\x00\x00\x00\x88Neu.")
            .expect("loads");
        let root = tree.value(id);
        assert_eq!(root.get("a").and_then(Value::as_int), Some(7));
        let items: Vec<_> = root.get("b").and_then(Value::items).expect("a list").collect();
        assert_eq!(items[0].as_int(), Some(-1));
        assert_eq!(items[1].as_float(), Some(1.0));
        assert_eq!(items[2].as_bool(), Some(true));
        assert!(items[3].is_none());
    }

    #[test]
    fn the_protocol_4_form_of_the_same_is_read() {
        let (tree, id) = load(b"\x80\x04\x95\x0a\0\0\0\0\0\0\0}\x94\x8c\x01a\x94K\x01s.").expect("loads");
        assert_eq!(tree.value(id).get("a").and_then(Value::as_int), Some(1));
    }

    #[test]
    fn a_call_of_anything_else_is_refused_by_name() {
        for bytes in [
            &b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R."[..],
            b"\x80\x04\x8c\x05posix\x8c\x06system\x93.",
        ] {
            let message = load(bytes).expect_err("refused");
            assert!(message.contains("asks to run `posix.system`"), "{message}");
        }
    }

    #[test]
    fn cycles_and_deep_nesting_are_harmless() {
        let (tree, id) = load(b"\x80\x02]q\x00h\x00a.").expect("a list that holds itself");
        assert_eq!(tree.value(id).items().expect("a list").count(), 1);
        let mut deep = b"\x80\x02)".to_vec();
        deep.extend(std::iter::repeat_n(0x85, 1_500_000));
        deep.push(b'.');
        assert!(load(&deep).is_ok());
    }

    #[test]
    fn nonsense_is_refused() {
        let cases: [&[u8]; 14] = [
            b"",
            b".",
            b"\x80",
            b"t.",
            b"K\x01K\x02s.",
            b"h\x05.",
            b")R.",
            b"NNb.",
            b"}K\x01a.",
            b"(K\x01d.",
            b"X\xff\xff\xff\xffa.",
            b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
            b"NQ.",
            b"i",
        ];
        for bytes in cases {
            assert!(load(bytes).is_err(), "{bytes:?}");
        }
        assert!(load(&vec![b'('; 3_000_000]).is_err(), "too many steps");
    }
}
