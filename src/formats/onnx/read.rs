//! Reading.

use super::{Attribute, Element, Graph, Model, Node, Port, Tensor, Values};
use crate::formats::Budget;
use crate::formats::protobuf::{Field, Fields};

type Outcome<T> = Result<T, String>;

/// The most sides of a tensor.
const MOST_SIDES: usize = 16;

impl<'a> Model<'a> {
    /// Reads the bytes of a file. What they are made into is counted before it is allocated.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn read(bytes: &'a [u8]) -> Outcome<Self> {
        let mut reader = Reader { budget: Budget::for_file(bytes.len() as u64) };
        let model = reader.model(bytes).map_err(|what| format!("the file is no sound ONNX file: {what}"))?;
        if model.graph.nodes.is_empty() || model.graph.outputs.is_empty() {
            return Err("the file is no ONNX file, or one that computes nothing".into());
        }
        Ok(model)
    }
}

struct Reader {
    budget: Budget,
}

impl Reader {
    fn model<'a>(&mut self, bytes: &'a [u8]) -> Outcome<Model<'a>> {
        let mut model = Model::default();
        self.each(bytes, |reader, number, field| {
            match number {
                1 => model.ir_version = field.integer()?,
                2 => model.producer = field.text()?,
                7 => model.graph = reader.graph(field.bytes()?)?,
                8 => {
                    let (domain, version) = reader.opset(field.bytes()?)?;
                    if is_own(domain) {
                        model.opset = version;
                    }
                }
                14 => {
                    let note = reader.metadata_property(field.bytes()?)?;
                    reader.push(&mut model.notes, note)?;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(model)
    }

    fn opset<'a>(&mut self, bytes: &'a [u8]) -> Outcome<(&'a str, i64)> {
        let (mut domain, mut version) = ("", 0);
        self.each(bytes, |_, number, field| {
            match number {
                1 => domain = field.text()?,
                2 => version = field.integer()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok((domain, version))
    }

    fn graph<'a>(&mut self, bytes: &'a [u8]) -> Outcome<Graph<'a>> {
        let mut graph = Graph::default();
        self.each(bytes, |reader, number, field| {
            match number {
                1 => {
                    let node = reader.node(field.bytes()?)?;
                    reader.push(&mut graph.nodes, node)?;
                }
                2 => graph.name = field.text()?,
                5 => {
                    let tensor = reader.tensor(field.bytes()?)?;
                    reader.push(&mut graph.tensors, tensor)?;
                }
                11 => {
                    let port = reader.port(field.bytes()?)?;
                    reader.push(&mut graph.inputs, port)?;
                }
                12 => {
                    let port = reader.port(field.bytes()?)?;
                    reader.push(&mut graph.outputs, port)?;
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(graph)
    }

    fn node<'a>(&mut self, bytes: &'a [u8]) -> Outcome<Node<'a>> {
        let mut node = Node::default();
        self.each(bytes, |reader, number, field| {
            match number {
                1 => reader.push(&mut node.inputs, field.text()?)?,
                2 => reader.push(&mut node.outputs, field.text()?)?,
                3 => node.name = field.text()?,
                4 => node.operator = field.text()?,
                5 => {
                    let attribute = reader.attribute(field.bytes()?)?;
                    reader.push(&mut node.attributes, attribute)?;
                }
                7 => node.domain = Some(field.text()?).filter(|domain| !is_own(domain)).unwrap_or_default(),
                _ => {}
            }
            Ok(())
        })?;
        Ok(node)
    }

    fn attribute<'a>(&mut self, bytes: &'a [u8]) -> Outcome<(&'a str, Attribute<'a>)> {
        let (mut name, mut kind) = ("", 0);
        let (mut float, mut integer, mut text, mut tensor) = (0.0, 0, "", None);
        let (mut floats, mut integers) = (Vec::new(), Vec::new());
        self.each(bytes, |reader, number, field| {
            match number {
                1 => name = field.text()?,
                2 => float = field.float()?,
                3 => integer = field.integer()?,
                // Bytes that are no text belong to no operator that is known here.
                4 => text = field.text().unwrap_or_default(),
                5 => tensor = Some(reader.tensor(field.bytes()?)?),
                7 => field.floats(&mut floats, |more| reader.take::<f32>(more))?,
                8 => field.integers(&mut integers, |more| reader.take::<i64>(more))?,
                20 => kind = field.integer()?,
                _ => {}
            }
            Ok(())
        })?;
        let value = match (kind, tensor) {
            (1, _) => Attribute::Float(float),
            (2, _) => Attribute::Integer(integer),
            (3, _) => Attribute::Text(text),
            (4, Some(tensor)) => Attribute::Tensor(tensor),
            (6, _) => Attribute::Floats(floats),
            (7, _) => Attribute::Integers(integers),
            _ => Attribute::Other,
        };
        Ok((name, value))
    }

    fn tensor<'a>(&mut self, bytes: &'a [u8]) -> Outcome<Tensor<'a>> {
        let mut tensor = Tensor::default();
        let (mut sides, mut raw, mut is_elsewhere) = (Vec::new(), None, false);
        let (mut floats, mut integers, mut doubles) = (Vec::new(), Vec::new(), Vec::new());
        let (mut file, mut offset, mut length) = ("", 0, None);
        self.each(bytes, |reader, number, field| {
            match number {
                1 => field.integers(&mut sides, |more| reader.take::<i64>(more))?,
                2 => tensor.element = Element::from_number(field.integer()?),
                4 => field.floats(&mut floats, |more| reader.take::<f32>(more))?,
                5 | 7 | 11 => field.integers(&mut integers, |more| reader.take::<i64>(more))?,
                8 => tensor.name = field.text()?,
                9 => raw = Some(field.bytes()?),
                10 => field.doubles(&mut doubles, |more| reader.take::<f64>(more))?,
                13 => match reader.metadata_property(field.bytes()?)? {
                    ("location", name) => file = name,
                    ("offset", text) => offset = whole(text)?,
                    ("length", text) => length = Some(whole(text)?),
                    _ => {}
                },
                14 => is_elsewhere = field.integer()? == 1,
                _ => {}
            }
            Ok(())
        })?;
        tensor.shape = checked_shape(&sides)?;
        tensor.values = match raw {
            _ if is_elsewhere => Values::Elsewhere { file, offset, length },
            Some(bytes) => Values::Bytes(bytes),
            None if !floats.is_empty() => Values::Floats(floats),
            None if !doubles.is_empty() => Values::Doubles(doubles),
            None if !integers.is_empty() => Values::Integers(integers),
            None => Values::Bytes(&[]),
        };
        Ok(tensor)
    }

    fn port<'a>(&mut self, bytes: &'a [u8]) -> Outcome<Port<'a>> {
        let mut port = Port::default();
        self.each(bytes, |reader, number, field| {
            match number {
                1 => port.name = field.text()?,
                // A type, of which only tensors are values of a network.
                2 => reader.each(field.bytes()?, |reader, number, field| match number {
                    1 => reader.tensor_type(field.bytes()?, &mut port),
                    _ => Ok(()),
                })?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(port)
    }

    fn tensor_type(&mut self, bytes: &[u8], port: &mut Port<'_>) -> Outcome<()> {
        self.each(bytes, |reader, number, field| {
            match number {
                1 => port.element = field.integer()?,
                2 => {
                    let mut shape = Vec::new();
                    reader.each(field.bytes()?, |reader, number, field| match number {
                        1 => {
                            let side = reader.side(field.bytes()?)?;
                            reader.push(&mut shape, side)
                        }
                        _ => Ok(()),
                    })?;
                    port.shape = Some(shape);
                }
                _ => {}
            }
            Ok(())
        })
    }

    /// One side of a shape: a number, or a name of what is known later.
    fn side(&mut self, bytes: &[u8]) -> Outcome<Option<u64>> {
        let mut side = None;
        self.each(bytes, |_, number, field| {
            if number == 1 {
                side = u64::try_from(field.integer()?).ok();
            }
            Ok(())
        })?;
        Ok(side)
    }

    /// A name and a text.
    fn metadata_property<'a>(&mut self, bytes: &'a [u8]) -> Outcome<(&'a str, &'a str)> {
        let (mut key, mut value) = ("", "");
        self.each(bytes, |_, number, field| {
            match number {
                1 => key = field.text()?,
                2 => value = field.text()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok((key, value))
    }

    /// Calls `take` for every field of a message.
    fn each<'a>(
        &mut self,
        bytes: &'a [u8],
        mut take: impl FnMut(&mut Self, u64, Field<'a>) -> Outcome<()>,
    ) -> Outcome<()> {
        let mut fields = Fields::new(bytes);
        while let Some((number, field)) = fields.next()? {
            take(self, number, field)?;
        }
        Ok(())
    }

    fn push<T>(&mut self, list: &mut Vec<T>, item: T) -> Outcome<()> {
        self.take::<T>(1)?;
        list.push(item);
        Ok(())
    }

    /// Counts `more` elements of a growing list, which may be twice as long as what is in it.
    fn take<T>(&mut self, more: usize) -> Outcome<()> {
        self.budget.take((more as u64).saturating_mul(2 * size_of::<T>() as u64))
    }
}

/// Whether a domain is ONNX's own.
fn is_own(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

fn whole(text: &str) -> Outcome<u64> {
    text.trim().parse().map_err(|_| "a place in another file that is no number".into())
}

fn checked_shape(sides: &[i64]) -> Outcome<Vec<usize>> {
    let wrong = || format!("a tensor with sides {:?}", &sides[..sides.len().min(MOST_SIDES)]);
    if sides.len() > MOST_SIDES {
        return Err(wrong());
    }
    let shape: Option<Vec<usize>> = sides.iter().map(|side| usize::try_from(*side).ok()).collect();
    let shape = shape.ok_or_else(wrong)?;
    match shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side)) {
        // As bytes they must be countable, too.
        Some(count) if count.checked_mul(8).is_some() => Ok(shape),
        _ => Err(wrong()),
    }
}
