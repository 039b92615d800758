//! What every engine promises, as one suite of tests. An engine joins with one call of
//! [`conformance`]; nothing here knows which engine it is talking to.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::batch::{MAX_KEY_BYTES, MAX_ROW_BYTES};
use super::{Batch, Durability, Engine, EngineError, Guard, Tree};

const ALPHA: Tree = Tree::new("alpha");
const BETA: Tree = Tree::new("beta");
const GAMMA: Tree = Tree::new("gamma");

/// The trees that an engine under test is opened with.
pub(super) const TREES: &[Tree] = &[ALPHA, BETA, GAMMA];

/// Opens one store, again and again; the engine before is closed or dropped by then.
pub(super) type Opener = Box<dyn FnMut() -> Box<dyn Engine> + Send>;

/// One promise: its name, and what checks it on a new store.
type Test = (&'static str, fn(Opener));

/// A key and its value.
type Row = (Vec<u8>, Vec<u8>);

/// A change of one key: its tree, the key, its value before and after.
type Change<'a> = (Tree, &'a [u8], Option<&'a [u8]>, Option<&'a [u8]>);

/// Runs the whole suite. Each test has a new, empty store, and a thread named after its promise:
/// most of the time they wait for a disk.
pub(super) fn conformance(new_store: impl Fn() -> Opener) {
    conformance_of_late_guards(&new_store);
    run(TESTS_OF_GUARDS, &new_store);
}

/// Runs the suite for an engine that may find only later that a guard does not hold.
pub(super) fn conformance_of_late_guards(new_store: impl Fn() -> Opener) {
    run(TESTS, new_store);
}

fn run(tests: &[Test], new_store: impl Fn() -> Opener) {
    std::thread::scope(|scope| {
        for (name, test) in tests {
            let store = new_store();
            let thread = std::thread::Builder::new().name((*name).to_owned());
            thread.spawn_scoped(scope, move || test(store)).unwrap();
        }
    });
}

/// What is promised of guards that are checked at once.
const TESTS_OF_GUARDS: &[Test] = &[
    (
        "a violated guard applies nothing",
        a_violated_guard_applies_nothing,
    ),
    (
        "a key with an empty value is there",
        a_key_with_an_empty_value_is_there,
    ),
];

const TESTS: &[Test] = &[
    ("a new store is empty", a_new_store_is_empty),
    (
        "an empty batch changes nothing",
        an_empty_batch_changes_nothing,
    ),
    (
        "rows are loaded in order of keys",
        rows_are_loaded_in_order_of_keys,
    ),
    ("loading stops when told to", loading_stops_when_told_to),
    (
        "loading survives a caller that panics",
        loading_survives_a_caller_that_panics,
    ),
    (
        "a key is put, replaced and removed",
        a_key_is_put_replaced_and_removed,
    ),
    (
        "keys and values are any bytes",
        keys_and_values_are_any_bytes,
    ),
    ("trees are apart", trees_are_apart),
    ("a batch spans trees", a_batch_spans_trees),
    (
        "a violated guard stops the engine",
        a_violated_guard_stops_the_engine,
    ),
    (
        "a guard alone can be committed",
        a_guard_alone_can_be_committed,
    ),
    (
        "a prefix must be empty after the batch",
        a_prefix_must_be_empty_after_the_batch,
    ),
    ("prefixes at the edges", prefixes_at_the_edges),
    ("changes of one key fold", changes_of_one_key_fold),
    (
        "deferred commits are there after a sync",
        deferred_commits_are_there_after_a_sync,
    ),
    (
        "closing makes deferred commits durable",
        closing_makes_deferred_commits_durable,
    ),
    ("many deferred commits", many_deferred_commits),
    (
        "an engine that is dropped can be opened again",
        a_dropped_engine_can_be_opened_again,
    ),
    ("a batch of a thousand rows", a_batch_of_a_thousand_rows),
    ("the largest rows and keys", the_largest_rows_and_keys),
    ("oversized writes are refused", oversized_writes_are_refused),
    ("unknown trees are refused", unknown_trees_are_refused),
    ("the store can be measured", the_store_can_be_measured),
    ("behaves like a map", behaves_like_a_map),
];

/// Every row of a tree.
pub(super) fn rows(engine: &dyn Engine, tree: Tree) -> Vec<Row> {
    let mut rows = Vec::new();
    let loaded = engine.load(tree, &mut |key, value| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    });
    loaded.unwrap();
    rows
}

fn row(key: &[u8], value: &[u8]) -> Row {
    (key.to_vec(), value.to_vec())
}

fn batch(changes: &[Change<'_>]) -> Batch {
    let mut batch = Batch::new();
    for (tree, key, before, after) in changes {
        batch.put(
            *tree,
            key.to_vec(),
            before.map(<[u8]>::to_vec),
            after.map(<[u8]>::to_vec),
        );
    }
    batch
}

fn commit(engine: &mut dyn Engine, batch: &Batch) {
    engine.commit(batch.clone(), Durability::Durable).unwrap();
}

/// Commits a batch that must fail its guard on this key, and leave every tree as it was, now and in
/// the reopened store.
fn assert_violates(open: &mut Opener, batch: &Batch, tree: Tree, key: &[u8], guard: Guard) {
    let mut engine = open();
    let before: Vec<_> = TREES
        .iter()
        .map(|tree| rows(engine.as_ref(), *tree))
        .collect();
    match engine
        .commit(batch.clone(), Durability::Durable)
        .unwrap_err()
    {
        EngineError::GuardFailed {
            tree: t,
            key: k,
            guard: g,
        } => {
            assert_eq!((t, k.as_slice(), g), (tree, key, guard));
        }
        other => panic!("{other}"),
    }
    drop(engine);
    let engine = open();
    let after: Vec<_> = TREES
        .iter()
        .map(|tree| rows(engine.as_ref(), *tree))
        .collect();
    assert_eq!(after, before);
    engine.close().unwrap();
}

/// Checks the rows of a tree, closes the engine, and checks them in the reopened store.
fn assert_rows(
    engine: Box<dyn Engine>,
    open: &mut Opener,
    tree: Tree,
    expected: &[Row],
) -> Box<dyn Engine> {
    assert_eq!(rows(engine.as_ref(), tree), expected);
    engine.close().unwrap();
    let engine = open();
    assert_eq!(rows(engine.as_ref(), tree), expected);
    engine
}

fn a_new_store_is_empty(mut open: Opener) {
    let mut engine = open();
    for tree in TREES {
        engine = assert_rows(engine, &mut open, *tree, &[]);
    }
}

fn an_empty_batch_changes_nothing(mut open: Opener) {
    let mut engine = open();
    commit(engine.as_mut(), &Batch::new());
    engine.sync().unwrap();
    assert_rows(engine, &mut open, ALPHA, &[]);
}

fn rows_are_loaded_in_order_of_keys(mut open: Opener) {
    let mut engine = open();
    let keys: [&[u8]; 6] = [b"b", b"a\xff", b"\x00", b"a", b"\xff", b"a\x00"];
    for key in keys {
        commit(engine.as_mut(), &batch(&[(ALPHA, key, None, Some(key))]));
    }
    let mut expected = keys.map(|key| row(key, key));
    expected.sort();
    assert_rows(engine, &mut open, ALPHA, &expected);
}

fn loading_stops_when_told_to(mut open: Opener) {
    let mut engine = open();
    commit(
        engine.as_mut(),
        &batch(&[
            (ALPHA, b"a", None, Some(b"")),
            (ALPHA, b"b", None, Some(b"")),
            (ALPHA, b"c", None, Some(b"")),
        ]),
    );
    let mut seen = Vec::new();
    let stopped = engine.load(ALPHA, &mut |key, _| {
        seen.push(key.to_vec());
        if key == b"b" {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    stopped.unwrap();
    assert_eq!(seen, [b"a", b"b"]);
}

fn loading_survives_a_caller_that_panics(mut open: Opener) {
    let mut engine = open();
    commit(engine.as_mut(), &batch(&[(ALPHA, b"a", None, Some(b"1"))]));
    let panicking = std::panic::AssertUnwindSafe(|| {
        engine.load(ALPHA, &mut |_, _| panic!("the caller's own panic"))
    });
    let panic = std::panic::catch_unwind(panicking).unwrap_err();
    assert_eq!(
        panic.downcast_ref::<&str>(),
        Some(&"the caller's own panic")
    );
    assert_rows(engine, &mut open, ALPHA, &[row(b"a", b"1")]);
}

fn a_key_is_put_replaced_and_removed(mut open: Opener) {
    let mut engine = open();
    commit(engine.as_mut(), &batch(&[(ALPHA, b"k", None, Some(b"1"))]));
    engine = assert_rows(engine, &mut open, ALPHA, &[row(b"k", b"1")]);
    commit(
        engine.as_mut(),
        &batch(&[(ALPHA, b"k", Some(b"1"), Some(b"2"))]),
    );
    engine = assert_rows(engine, &mut open, ALPHA, &[row(b"k", b"2")]);
    commit(engine.as_mut(), &batch(&[(ALPHA, b"k", Some(b"2"), None)]));
    engine = assert_rows(engine, &mut open, ALPHA, &[]);
    commit(engine.as_mut(), &batch(&[(ALPHA, b"k", None, Some(b"3"))]));
    assert_rows(engine, &mut open, ALPHA, &[row(b"k", b"3")]);
}

fn keys_and_values_are_any_bytes(mut open: Opener) {
    let mut engine = open();
    let every_byte: Vec<u8> = (0..=255).collect();
    let keys: [&[u8]; 6] = [
        b"\x00",
        b"\x00\x00",
        b"\x00\xff",
        b"a\x00b",
        &every_byte,
        b"\xff\xff",
    ];
    for (key, value) in keys
        .iter()
        .zip([&b""[..], b"\x00", &every_byte, b"\xff", b"", b"v"])
    {
        commit(engine.as_mut(), &batch(&[(ALPHA, key, None, Some(value))]));
    }
    let values = [&b""[..], b"\x00", &every_byte, b"\xff", b"", b"v"];
    let mut expected: Vec<_> = keys
        .iter()
        .zip(values)
        .map(|(key, value)| row(key, value))
        .collect();
    expected.sort();
    engine = assert_rows(engine, &mut open, ALPHA, &expected);
    commit(
        engine.as_mut(),
        &batch(&[(ALPHA, b"\x00", Some(b""), None)]),
    );
}

fn a_key_with_an_empty_value_is_there(mut open: Opener) {
    commit(open().as_mut(), &batch(&[(ALPHA, b"k", None, Some(b""))]));
    let change = batch(&[(ALPHA, b"k", None, Some(b"x"))]);
    assert_violates(&mut open, &change, ALPHA, b"k", Guard::Absent);
}

fn trees_are_apart(mut open: Opener) {
    let mut engine = open();
    commit(
        engine.as_mut(),
        &batch(&[(ALPHA, b"k", None, Some(b"alpha"))]),
    );
    commit(
        engine.as_mut(),
        &batch(&[(BETA, b"k", None, Some(b"beta"))]),
    );
    engine = assert_rows(engine, &mut open, ALPHA, &[row(b"k", b"alpha")]);
    engine = assert_rows(engine, &mut open, BETA, &[row(b"k", b"beta")]);
    assert_rows(engine, &mut open, GAMMA, &[]);
}

fn a_batch_spans_trees(mut open: Opener) {
    let mut engine = open();
    commit(engine.as_mut(), &batch(&[(BETA, b"old", None, Some(b"1"))]));
    let mut all = batch(&[
        (ALPHA, b"k", None, Some(b"a")),
        (BETA, b"old", Some(b"1"), None),
        (GAMMA, b"k", None, Some(b"c")),
    ]);
    all.require_empty(BETA, Vec::new());
    commit(engine.as_mut(), &all);
    engine = assert_rows(engine, &mut open, ALPHA, &[row(b"k", b"a")]);
    engine = assert_rows(engine, &mut open, BETA, &[]);
    assert_rows(engine, &mut open, GAMMA, &[row(b"k", b"c")]);
}

fn a_violated_guard_applies_nothing(mut open: Opener) {
    commit(open().as_mut(), &batch(&[(BETA, b"m", None, Some(b"1"))]));
    // Each of these comes in the middle of changes which are fine by themselves.
    let violations: [(Change<'_>, Guard); 6] = [
        ((BETA, b"m", None, Some(b"2")), Guard::Absent),
        ((BETA, b"m", None, None), Guard::Absent),
        ((BETA, b"m", Some(b"0"), Some(b"2")), Guard::Unchanged),
        ((BETA, b"m", Some(b"0"), None), Guard::Unchanged),
        ((BETA, b"n", Some(b"1"), Some(b"2")), Guard::Unchanged),
        ((BETA, b"n", Some(b"1"), None), Guard::Unchanged),
    ];
    for (violation, guard) in violations {
        let change = batch(&[
            (ALPHA, b"k", None, Some(b"a")),
            (BETA, b"a", None, Some(b"b")),
            violation,
            (BETA, b"z", None, Some(b"b")),
            (GAMMA, b"k", None, Some(b"c")),
        ]);
        assert_violates(&mut open, &change, BETA, violation.1, guard);
    }
    // A value that would not change is guarded too.
    let change = batch(&[(BETA, b"m", Some(b"2"), Some(b"2"))]);
    assert_violates(&mut open, &change, BETA, b"m", Guard::Unchanged);
}

fn a_violated_guard_stops_the_engine(mut open: Opener) {
    let mut engine = open();
    commit(engine.as_mut(), &batch(&[(ALPHA, b"k", None, Some(b"1"))]));
    let violated = engine
        .commit(batch(&[(ALPHA, b"k", None, None)]), Durability::Durable)
        .unwrap_err();
    let sound = batch(&[(ALPHA, b"l", None, Some(b"1"))]);
    for later in [
        engine.commit(sound.clone(), Durability::Durable),
        engine.sync(),
        engine.load(ALPHA, &mut |_, _| ControlFlow::Continue(())),
        engine.close(),
    ] {
        match later.unwrap_err() {
            EngineError::Failed { earlier } => assert_eq!(earlier, violated.to_string()),
            other => panic!("{other}"),
        }
    }
    let mut engine = open();
    commit(engine.as_mut(), &sound);
    assert_rows(
        engine,
        &mut open,
        ALPHA,
        &[row(b"k", b"1"), row(b"l", b"1")],
    );
}

fn a_guard_alone_can_be_committed(mut open: Opener) {
    let mut engine = open();
    commit(engine.as_mut(), &batch(&[(ALPHA, b"k", None, Some(b"1"))]));
    let mut guards = batch(&[
        (ALPHA, b"k", Some(b"1"), Some(b"1")),
        (BETA, b"k", None, None),
    ]);
    guards.require_empty(BETA, Vec::new());
    commit(engine.as_mut(), &guards);
    let mut empty = Batch::new();
    empty.require_empty(GAMMA, b"k".to_vec());
    commit(engine.as_mut(), &empty);
    engine = assert_rows(engine, &mut open, ALPHA, &[row(b"k", b"1")]);
    engine = assert_rows(engine, &mut open, BETA, &[]);
    engine.close().unwrap();
    let mut full = Batch::new();
    full.require_empty(ALPHA, b"k".to_vec());
    assert_violates(&mut open, &full, ALPHA, b"k", Guard::Empty);
}

fn a_prefix_must_be_empty_after_the_batch(mut open: Opener) {
    let mut engine = open();
    commit(
        engine.as_mut(),
        &batch(&[
            (ALPHA, b"a", None, Some(b"")),
            (ALPHA, b"b1", None, Some(b"1")),
            (ALPHA, b"b2", None, Some(b"2")),
            (ALPHA, b"c", None, Some(b"")),
        ]),
    );
    engine.close().unwrap();
    let guarded = |changes: &[_]| {
        let mut batch = batch(changes);
        batch.require_empty(ALPHA, b"b".to_vec());
        batch
    };
    // Stored and not removed.
    assert_violates(&mut open, &guarded(&[]), ALPHA, b"b1", Guard::Empty);
    let one_removed = guarded(&[
        (BETA, b"k", None, Some(b"")),
        (ALPHA, b"b1", Some(b"1"), None),
    ]);
    assert_violates(&mut open, &one_removed, ALPHA, b"b2", Guard::Empty);
    // Removed, but written by the same batch.
    let remove_both: [Change<'_>; 2] = [
        (ALPHA, b"b1", Some(b"1"), None),
        (ALPHA, b"b2", Some(b"2"), None),
    ];
    let mut one_added = guarded(&remove_both);
    one_added.put(ALPHA, b"b3".to_vec(), None, Some(Vec::new()));
    assert_violates(&mut open, &one_added, ALPHA, b"b3", Guard::Empty);
    let mut one_kept = guarded(&remove_both[..1]);
    one_kept.put(
        ALPHA,
        b"b2".to_vec(),
        Some(b"2".to_vec()),
        Some(b"2".to_vec()),
    );
    assert_violates(&mut open, &one_kept, ALPHA, b"b2", Guard::Empty);
    // The same keys of another tree do not count.
    let mut engine = open();
    let mut both_removed = guarded(&remove_both);
    both_removed.put(BETA, b"b1".to_vec(), None, Some(Vec::new()));
    commit(engine.as_mut(), &both_removed);
    assert_rows(engine, &mut open, ALPHA, &[row(b"a", b""), row(b"c", b"")]);
}

fn prefixes_at_the_edges(mut open: Opener) {
    let mut engine = open();
    let keys: [&[u8]; 6] = [b"\x00", b"\x00\x00", b"a", b"a\xff\xff", b"b", b"\xff\xff"];
    for key in keys {
        commit(engine.as_mut(), &batch(&[(ALPHA, key, None, Some(b""))]));
    }
    let empty = |tree, prefix: &[u8]| {
        let mut batch = Batch::new();
        batch.require_empty(tree, prefix.to_vec());
        batch
    };
    let free: [&[u8]; 7] = [
        b"\x00\x01",
        b"\x00\x00\x00",
        b"a\xff\xff\xff",
        b"a\x00",
        b"aa",
        b"\xff\xff\xff",
        b"\xfe",
    ];
    for prefix in free {
        commit(engine.as_mut(), &empty(ALPHA, prefix));
    }
    commit(engine.as_mut(), &empty(BETA, b""));
    engine.close().unwrap();
    let taken: [(&[u8], &[u8]); 8] = [
        (b"", b"\x00"),
        (b"\x00", b"\x00"),
        (b"\x00\x00", b"\x00\x00"),
        (b"a", b"a"),
        (b"a\xff", b"a\xff\xff"),
        (b"b", b"b"),
        (b"\xff", b"\xff\xff"),
        (b"\xff\xff", b"\xff\xff"),
    ];
    for (prefix, found) in taken {
        assert_violates(&mut open, &empty(ALPHA, prefix), ALPHA, found, Guard::Empty);
    }
}

fn changes_of_one_key_fold(mut open: Opener) {
    let mut engine = open();
    commit(engine.as_mut(), &batch(&[(ALPHA, b"k", None, Some(b"1"))]));
    commit(
        engine.as_mut(),
        &batch(&[
            (ALPHA, b"k", Some(b"1"), None),
            (ALPHA, b"k", None, Some(b"2")),
            (ALPHA, b"k", Some(b"2"), Some(b"3")),
            (ALPHA, b"passing", None, Some(b"1")),
            (ALPHA, b"passing", Some(b"1"), None),
        ]),
    );
    assert_rows(engine, &mut open, ALPHA, &[row(b"k", b"3")]);
}

fn deferred_commits_are_there_after_a_sync(mut open: Opener) {
    let mut engine = open();
    engine
        .commit(
            batch(&[(ALPHA, b"k", None, Some(b"1"))]),
            Durability::Deferred,
        )
        .unwrap();
    engine
        .commit(
            batch(&[(ALPHA, b"k", Some(b"1"), Some(b"2"))]),
            Durability::Deferred,
        )
        .unwrap();
    assert_eq!(rows(engine.as_ref(), ALPHA), [row(b"k", b"2")]);
    engine.sync().unwrap();
    drop(engine);
    assert_eq!(rows(open().as_ref(), ALPHA), [row(b"k", b"2")]);
}

fn closing_makes_deferred_commits_durable(mut open: Opener) {
    let mut engine = open();
    engine
        .commit(
            batch(&[(ALPHA, b"k", None, Some(b"1"))]),
            Durability::Deferred,
        )
        .unwrap();
    assert_rows(engine, &mut open, ALPHA, &[row(b"k", b"1")]);
}

fn many_deferred_commits(mut open: Opener) {
    let mut engine = open();
    let mut expected = Vec::new();
    for number in 0..300_u32 {
        let (key, value) = row(&number.to_be_bytes(), &[7; 2000]);
        engine
            .commit(
                batch(&[(BETA, &key, None, Some(&value))]),
                Durability::Deferred,
            )
            .unwrap();
        expected.push((key, value));
    }
    assert_rows(engine, &mut open, BETA, &expected);
}

fn a_dropped_engine_can_be_opened_again(mut open: Opener) {
    for number in 0..20_u8 {
        let mut engine = open();
        assert_eq!(rows(engine.as_ref(), ALPHA).len(), usize::from(number));
        commit(
            engine.as_mut(),
            &batch(&[(ALPHA, &[number], None, Some(b""))]),
        );
    }
}

fn a_batch_of_a_thousand_rows(mut open: Opener) {
    let numbered = |number: u32| row(&number.to_be_bytes(), format!("{number:0>100}").as_bytes());
    let mut engine = open();
    let mut large = Batch::new();
    for (key, value) in (0..1000).map(numbered) {
        large.put(ALPHA, key.clone(), None, Some(value));
        large.put(GAMMA, key, None, Some(Vec::new()));
    }
    commit(engine.as_mut(), &large);
    let expected: Vec<_> = (0..1000).map(numbered).collect();
    engine = assert_rows(engine, &mut open, ALPHA, &expected);
    assert_eq!(rows(engine.as_ref(), GAMMA).len(), 1000);
    let mut removal = Batch::new();
    for (key, value) in expected {
        removal.put(ALPHA, key, Some(value), None);
    }
    removal.require_empty(ALPHA, Vec::new());
    commit(engine.as_mut(), &removal);
    assert_rows(engine, &mut open, ALPHA, &[]);
}

fn the_largest_rows_and_keys(mut open: Opener) {
    let mut engine = open();
    let mut expected = Vec::new();
    for number in 0..60_u8 {
        let mut key = vec![b'k'; MAX_KEY_BYTES];
        key[MAX_KEY_BYTES - 1] = number;
        let value = vec![number; MAX_ROW_BYTES - MAX_KEY_BYTES];
        commit(
            engine.as_mut(),
            &batch(&[(ALPHA, &key, None, Some(&value))]),
        );
        expected.push((key, value));
    }
    assert_rows(engine, &mut open, ALPHA, &expected);
}

fn oversized_writes_are_refused(mut open: Opener) {
    let mut engine = open();
    let keys = [Vec::new(), vec![b'k'; MAX_KEY_BYTES + 1]];
    for key in &keys {
        let change = batch(&[(ALPHA, b"a", None, Some(b"")), (BETA, key, None, Some(b""))]);
        let error = engine
            .commit(change.clone(), Durability::Durable)
            .unwrap_err();
        assert!(
            matches!(error, EngineError::Refused { tree: BETA, .. }),
            "{error}"
        );
    }
    let change = batch(&[(ALPHA, b"k", None, Some(&[0; MAX_ROW_BYTES]))]);
    let error = engine
        .commit(change.clone(), Durability::Durable)
        .unwrap_err();
    assert!(
        matches!(error, EngineError::Refused { tree: ALPHA, .. }),
        "{error}"
    );
    // Nothing was applied, and the engine goes on.
    commit(engine.as_mut(), &batch(&[(ALPHA, b"k", None, Some(b"1"))]));
    assert_rows(engine, &mut open, ALPHA, &[row(b"k", b"1")]);
}

fn unknown_trees_are_refused(mut open: Opener) {
    const UNKNOWN: Tree = Tree::new("unknown");
    let mut engine = open();
    let error = engine
        .load(UNKNOWN, &mut |_, _| ControlFlow::Continue(()))
        .unwrap_err();
    assert!(
        matches!(error, EngineError::Refused { tree: UNKNOWN, .. }),
        "{error}"
    );
    let mut guard = Batch::new();
    guard.require_empty(UNKNOWN, Vec::new());
    for change in [
        guard,
        batch(&[
            (ALPHA, b"k", None, Some(b"")),
            (UNKNOWN, b"k", None, Some(b"")),
        ]),
    ] {
        let error = engine
            .commit(change.clone(), Durability::Durable)
            .unwrap_err();
        assert!(
            matches!(error, EngineError::Refused { tree: UNKNOWN, .. }),
            "{error}"
        );
    }
    assert_rows(engine, &mut open, ALPHA, &[]);
}

fn the_store_can_be_measured(mut open: Opener) {
    let mut engine = open();
    let before = engine.size_on_disk().unwrap();
    for number in 0..100_u8 {
        commit(
            engine.as_mut(),
            &batch(&[(ALPHA, &[number], None, Some(&[number; 1000]))]),
        );
    }
    let after = engine.size_on_disk().unwrap();
    assert!(
        after == 0 || after >= before + 100_000,
        "{before} bytes, then {after}"
    );
}

/// Random batches over few keys, so that they meet, against maps; with a reopen now and then.
fn behaves_like_a_map(mut open: Opener) {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut model: BTreeMap<Tree, BTreeMap<Vec<u8>, Vec<u8>>> = BTreeMap::new();
    let mut engine = open();
    for _ in 0..250 {
        let mut batch = Batch::new();
        let mut after = model.clone();
        for _ in 0..random.below(12) {
            let tree = TREES[random.below(TREES.len())];
            let key = random.bytes(1, 3, 4);
            let value = if random.below(3) == 0 {
                None
            } else {
                Some(random.bytes(0, 300, 256))
            };
            let rows = after.entry(tree).or_default();
            batch.put(tree, key.clone(), rows.get(&key).cloned(), value.clone());
            match value {
                Some(value) => rows.insert(key, value),
                None => rows.remove(&key),
            };
        }
        let mut holds = true;
        if random.below(3) == 0 {
            let tree = TREES[random.below(TREES.len())];
            let prefix = random.bytes(1, 3, 4);
            holds = !after
                .entry(tree)
                .or_default()
                .keys()
                .any(|key| key.starts_with(&prefix));
            batch.require_empty(tree, prefix);
        }
        let durability = [Durability::Durable, Durability::Deferred][random.below(2)];
        match engine.commit(batch, durability) {
            Ok(()) if holds => model = after,
            Err(EngineError::GuardFailed {
                guard: Guard::Empty,
                ..
            }) if !holds => {
                drop(engine);
                engine = open();
            }
            other => panic!("{other:?} where the guards hold: {holds}"),
        }
        if random.below(40) == 0 {
            engine.close().unwrap();
            engine = open();
        }
        if random.below(10) == 0 {
            for tree in TREES {
                let expected: Vec<_> = model
                    .entry(*tree)
                    .or_default()
                    .clone()
                    .into_iter()
                    .collect();
                assert_eq!(rows(engine.as_ref(), *tree), expected);
            }
        }
    }
}

/// Xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    /// From `min` to `max` bytes, each below `limit`.
    fn bytes(&mut self, min: usize, max: usize, limit: usize) -> Vec<u8> {
        let len = min + self.below(max - min + 1);
        (0..len)
            .map(|_| u8::try_from(self.below(limit)).unwrap())
            .collect()
    }
}
