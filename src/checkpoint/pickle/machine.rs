use std::collections::HashMap;
use std::io::Read;

use super::input::{Fault, Input, long, whole_number};
use super::torch::{self, malformed};
use super::tree::{Id, Node, Opaque, Tree};

/// Most instructions of one pickle; a network of a thousand tensors with its optimiser takes some 150,000.
const MOST_STEPS: u32 = 2_000_000;
/// Longest module or function name.
const LONGEST_NAME: usize = 256;
/// Longest line of a number or a text in protocols 0 and 1.
const LONGEST_LINE: usize = 1 << 16;

/// Reads one pickle from `input`, which is left right behind it, into `tree`; returns the value it builds.
pub(super) fn run(input: &mut impl Read, tree: &mut Tree) -> Result<Id, Fault> {
    let mut machine = Machine {
        input: Input::new(input),
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
    input: Input<'a, R>,
    tree: &'a mut Tree,
    stack: Vec<Id>,
    /// Heights of the stack at the marks that are still open.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<R: Read> Machine<'_, R> {
    /// Executes one instruction; the last one returns the result.
    fn step(&mut self) -> Result<Option<Id>, Fault> {
        match self.input.byte()? {
            // Protocol and frames carry nothing that is needed; neither does the mark of a buffer that is read-only.
            0x80 => drop(self.input.byte()?),
            0x95 => drop(self.input.bytes::<8>()?),
            0x98 => {}
            b'.' => return self.pop().map(Some).map_err(Fault::from),

            // Constants.
            b'N' => self.push(Node::None),
            0x88 => self.push(Node::Bool(true)),
            0x89 => self.push(Node::Bool(false)),
            b'K' => {
                let value = self.input.byte()?;
                self.push(Node::Int(i64::from(value)));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.input.bytes()?);
                self.push(Node::Int(i64::from(value)));
            }
            b'J' => {
                let value = i32::from_le_bytes(self.input.bytes()?);
                self.push(Node::Int(i64::from(value)));
            }
            0x8a => {
                let len = u32::from(self.input.byte()?);
                let number = long(self.input.take(len)?);
                self.push(number);
            }
            0x8b => {
                let len = self.input.length()?;
                let number = long(self.input.take(len)?);
                self.push(number);
            }
            b'G' => {
                let value = f64::from_be_bytes(self.input.bytes()?);
                self.push(Node::Float(value));
            }
            0x8c => {
                let len = u32::from(self.input.byte()?);
                self.text(len)?;
            }
            b'X' => {
                let len = self.input.length()?;
                self.text(len)?;
            }
            0x8d => {
                let len = self.input.long_length()?;
                self.text(len)?;
            }
            // Python 2's texts, which may be bytes.
            b'U' => {
                let len = u32::from(self.input.byte()?);
                self.old_text(len)?;
            }
            b'T' => {
                let len = self.input.length()?;
                self.old_text(len)?;
            }
            b'C' => {
                let len = u32::from(self.input.byte()?);
                self.raw(len)?;
            }
            b'B' => {
                let len = self.input.length()?;
                self.raw(len)?;
            }
            0x8e | 0x96 => {
                let len = self.input.long_length()?;
                self.raw(len)?;
            }
            0x97 => self.push(Node::Kept("a buffer outside the file")),

            // The same in the lines of protocols 0 and 1.
            number @ (b'I' | b'L') => {
                let line = self.input.line(LONGEST_LINE)?;
                let node =
                    whole_number(&line, number == b'I').ok_or_else(|| malformed("a number that is none"))?;
                self.push(node);
            }
            b'F' => {
                let line = self.input.line(LONGEST_LINE)?;
                let value = line.parse().map_err(|_| malformed("a number that is none"))?;
                self.push(Node::Float(value));
            }
            b'S' => {
                let line = self.input.line(LONGEST_LINE)?;
                let inner = line.get(1..line.len().saturating_sub(1)).unwrap_or_default();
                self.push(Node::Text(inner.into()));
            }
            b'V' => {
                let line = self.input.line(LONGEST_LINE)?;
                self.push(Node::Text(line.into()));
            }

            // Containers.
            b'(' => self.marks.push(self.stack.len()),
            b')' => self.push(Node::Tuple(Box::default())),
            b']' => self.push(Node::List(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            0x8f => self.push(Node::Kept("a set")),
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
            0x91 => {
                self.pop_to_mark()?;
                self.push(Node::Kept("a set"));
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' | 0x90 => {
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
                let number = u32::from(self.input.byte()?);
                self.memoise(number)?;
            }
            b'r' => {
                let number = u32::from_le_bytes(self.input.bytes()?);
                self.memoise(number)?;
            }
            b'p' => {
                let number = self.input.number_line()?;
                self.memoise(number)?;
            }
            0x94 => {
                let number = self.memo.len() as u32;
                self.memoise(number)?;
            }
            b'h' => {
                let number = u32::from(self.input.byte()?);
                self.recall(number)?;
            }
            b'j' => {
                let number = u32::from_le_bytes(self.input.bytes()?);
                self.recall(number)?;
            }
            b'g' => {
                let number = self.input.number_line()?;
                self.recall(number)?;
            }

            // Names and calls.
            b'c' => {
                let (module, name) = (self.input.line(LONGEST_NAME)?, self.input.line(LONGEST_NAME)?);
                self.push_global(&module, &name);
            }
            0x93 => {
                let (name, module) = (self.pop_name()?, self.pop_name()?);
                self.push_global(&module, &name);
            }
            // A function and its arguments; a class and those of its making, with keywords in protocol 4.
            b'R' | 0x81 => {
                let (arguments, callee) = (self.pop()?, self.pop()?);
                self.call(callee, arguments)?;
            }
            0x92 => {
                let (_keywords, arguments, callee) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(callee, arguments)?;
            }
            b'i' => {
                let (module, name) = (self.input.line(LONGEST_NAME)?, self.input.line(LONGEST_NAME)?);
                let arguments = self.pop_to_mark()?;
                self.push_global(&module, &name);
                let callee = self.pop()?;
                let arguments = self.tree.push(Node::Tuple(arguments.into()));
                self.call(callee, arguments)?;
            }
            b'o' => {
                let mut arguments = self.pop_to_mark()?;
                if arguments.is_empty() {
                    return Err(malformed("an object without a class").into());
                }
                let callee = arguments.remove(0);
                let arguments = self.tree.push(Node::Tuple(arguments.into()));
                self.call(callee, arguments)?;
            }
            b'Q' => {
                let tuple = self.pop()?;
                let storage = torch::storage(self.tree, tuple)?;
                self.stack.push(storage);
            }
            b'P' => {
                self.input.line(LONGEST_LINE)?;
                self.push(Node::Kept("a reference to something outside"));
            }
            b'b' => {
                let (state, target) = (self.pop()?, self.top()?);
                match self.tree.node_mut(target) {
                    Node::Opaque(opaque) => opaque.state = Some(state),
                    // Attributes of what is read without them: PyTorch keeps version numbers of layers on its dicts.
                    Node::Dict(_) | Node::List(_) | Node::Tensor(_) | Node::Kept(_) => {}
                    _ => return Err(malformed("attributes on a plain value").into()),
                }
            }
            other => {
                return Err(
                    malformed(&format!("instruction 0x{other:02x}, which checkpoints do not use")).into()
                );
            }
        }
        Ok(None)
    }

    /// Pushes what calling `callee` gives: a value that is understood, or one that is opaque. Nothing is run.
    fn call(&mut self, callee: Id, arguments: Id) -> Result<(), Fault> {
        let class = match self.tree.node(callee) {
            &Node::Global(global) => {
                let result = torch::call(self.tree, global, arguments)?;
                self.stack.push(result);
                return Ok(());
            }
            Node::Named(_) => self.class_made(callee, arguments),
            Node::Opaque(opaque) => opaque.class,
            Node::Kept(_) => {
                self.stack.push(callee);
                return Ok(());
            }
            _ => return Err(malformed("a call of something that is no function").into()),
        };
        self.push(Node::Opaque(Box::new(Opaque { class, entries: Vec::new(), state: None })));
        Ok(())
    }

    /// The class that the function `callee` makes one of: its first argument where it is one of those that make
    /// objects of any class.
    fn class_made(&self, callee: Id, arguments: Id) -> Id {
        let makes_any = self.tree.name(callee).is_some_and(|name| {
            name.starts_with("copyreg.")
                || name.starts_with("copy_reg.")
                || name.ends_with("multiarray._reconstruct")
        });
        match self.tree.node(arguments) {
            Node::Tuple(arguments) if makes_any => {
                arguments.first().copied().filter(|&first| self.tree.name(first).is_some()).unwrap_or(callee)
            }
            _ => callee,
        }
    }

    /// A text. Halves of surrogate pairs, which Python allows in one, become marks of what cannot be read.
    fn text(&mut self, len: u32) -> Result<(), Fault> {
        let bytes = self.input.take(len)?;
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        self.push(Node::Text(text.into()));
        Ok(())
    }

    fn old_text(&mut self, len: u32) -> Result<(), Fault> {
        let node = String::from_utf8(self.input.take(len)?)
            .map_or(Node::Kept("bytes"), |text| Node::Text(text.into()));
        self.push(node);
        Ok(())
    }

    fn raw(&mut self, len: u32) -> Result<(), Fault> {
        self.input.take(len)?;
        self.push(Node::Kept("bytes"));
        Ok(())
    }

    fn push_global(&mut self, module: &str, name: &str) {
        self.push(match torch::find_global(module, name) {
            Some(global) => Node::Global(global),
            None => Node::Named(format!("{module}.{name}").into()),
        });
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
            Node::Text(text) if text.len() <= LONGEST_NAME => Ok(text.to_string()),
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
            // A set, or a list of a class of its own.
            Node::Kept(_) | Node::Opaque(_) => {}
            _ => return Err(malformed("items added to something other than a list")),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), String> {
        let target = self.top()?;
        let pairs = pairs(items)?;
        match self.tree.node_mut(target) {
            Node::Dict(dict) => dict.extend(pairs),
            Node::Opaque(opaque) => opaque.entries.extend(pairs),
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
