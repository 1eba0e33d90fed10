//! The machine on pickles written by hand.

use super::input::Fault;
use super::machine::run;
use super::tree::{Id, Tree, Value};

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
fn what_other_names_would_make_is_kept_and_never_run() {
    let calls: [(&[u8], &str); 8] = [
        (b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R.", "posix.system"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02ls\x85R.", "posix.system"),
        (b"\x80\x02cargparse\nNamespace\n)\x81}X\x01\x00\x00\x00aK\x01sb.", "argparse.Namespace"),
        (b"\x80\x04\x8c\x01m\x8c\x01C\x93)}\x92.", "m.C"),
        (b"(im\nC\n.", "m.C"),
        (b"(cm\nC\nK\x01o.", "m.C"),
        (b"ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\nobject\nNtR.", "m.C"),
        (b"\x80\x02cm\nf\n)R)R]a(K\x01K\x02e.", "m.f"),
    ];
    for (bytes, class) in calls {
        let (tree, id) = load(bytes).expect("loads");
        assert_eq!(tree.value(id).class(), Some(class));
        assert_eq!(tree.value(id).kind(), "a Python object");
    }
    // A dict of a class of its own is still a dict.
    let (tree, id) = load(b"\x80\x02cm\nD\n)\x81X\x01\x00\x00\x00aK\x07s.").expect("loads");
    assert_eq!(tree.value(id).get("a").and_then(Value::as_int), Some(7));
}

#[test]
fn everything_that_lies_beside_weights_is_passed_over() {
    let beside: [&[u8]; 14] = [
        b"\x8f(K\x01K\x02\x90",
        b"(K\x01K\x02\x91",
        b"C\x03abc",
        b"\x8e\x03\0\0\0\0\0\0\0abc",
        b"\x96\x03\0\0\0\0\0\0\0abc",
        b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x06\x00\x00\x00latin1\x86R",
        b"ctorch\ndevice\nX\x03\x00\x00\x00cpu\x85R",
        b"ctorch\nfloat32\n",
        b"c__builtin__\nset\n](K\x01K\x02e\x85R",
        b"ccollections\ndefaultdict\nc__builtin__\nlist\n\x85RX\x01\x00\x00\x00aK\x01s",
        b"U\x02\xff\xfe",
        b"X\x03\x00\x00\x00\xed\xa0\x80",
        b"\x8a\x0d\0\0\0\0@\xea\xed\x74\x46\xd0\x9c\x2c\x0c",
        b"L1000000000000000000000000000000000000000000000L\n",
    ];
    for value in beside {
        let pickle = [b"\x80\x02}X\x01\x00\x00\x00b", value, b"sX\x01\x00\x00\x00aK\x07s."].concat();
        let (tree, id) = load(&pickle).unwrap_or_else(|error| panic!("{value:?}: {error}"));
        assert_eq!(tree.value(id).get("a").and_then(Value::as_int), Some(7), "{value:?}");
    }
}

#[test]
fn the_lines_of_protocols_0_and_1_are_read() {
    let (tree, id) = load(b"(lp0\nI7\naI01\naL-5L\naF1.5\naS'x'\naVy\naP12\nag0\na.").expect("loads");
    let items: Vec<_> = tree.value(id).items().expect("a list").collect();
    assert_eq!((items[0].as_int(), items[1].as_bool(), items[2].as_int()), (Some(7), Some(true), Some(-5)));
    assert_eq!(
        (items[3].as_float(), items[4].as_text(), items[5].as_text()),
        (Some(1.5), Some("x"), Some("y"))
    );
    assert_eq!(items.len(), 8);
    let (tree, id) = load(b"L119547037146038801333356L\n.").expect("loads");
    assert!(tree.value(id).is_big(b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"), "as opcode 0x8a has it");
    assert!(load(b"Iseven\n.").is_err() && load(b"F..\n.").is_err() && load(b"g9\n.").is_err());
}

#[test]
fn an_ordered_dict_of_pairs_is_one_and_cannot_be_made_without_end() {
    let pairs = b"ccollections\nOrderedDict\n](X\x01\x00\x00\x00aK\x07\x86X\x01\x00\x00\x00bK\x08\x86e\x85R.";
    let (tree, id) = load(pairs).expect("loads");
    assert_eq!(tree.value(id).get("b").and_then(Value::as_int), Some(8));
    let many = b"K\x01K\x01\x86".repeat(100_000);
    let calls = b"ccollections\nOrderedDict\nh\x00R".repeat(100);
    let bomb = [b"](".to_vec(), many, b"e\x85q\x00".to_vec(), calls, b".".to_vec()].concat();
    assert!(load(&bomb).is_err_and(|error| error.contains("far more items")));
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
    let cases: [&[u8]; 16] = [
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
        b"(o.",
        b"\x82\x01.",
    ];
    for bytes in cases {
        assert!(load(bytes).is_err(), "{bytes:?}");
    }
    assert!(load(&vec![b'('; 3_000_000]).is_err(), "too many steps");
}
