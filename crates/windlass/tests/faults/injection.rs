//! Every fault at every call: the index is in the state before or after, says so, loses nothing that
//! it acknowledged, and the same command, run again, gives the bytes that it would have given.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::operation::{
    Operation, first_ingest, full_merge, further_ingest, ingest_in_batches, large_ingest,
    large_merge, leftovers, merged, merging_ingest, recovery, spilling_ingest, threaded_ingest,
};
use crate::power::Durable;
use crate::shim::{Call, Fault, Outcome, Sort};
use crate::state::State;
use crate::support::windlass;
use crate::workspace::{Workspace, names};

/// How many faults of an operation are injected where not all are.
const SAMPLE: usize = 180;
/// As many of an operation on many links, which takes longer.
const LARGE_SAMPLE: usize = 16;

/// The faults that a call of that sort can meet.
fn faults(sort: Sort, at: u64) -> Vec<Fault> {
    let mut faults = vec![
        Fault::KillBefore(at),
        Fault::KillAfter(at),
        Fault::EioOnce(at),
    ];
    match sort {
        Sort::Write => faults.extend([
            Fault::Short(at),
            Fault::ShortThenFull(at),
            Fault::Full(at),
            Fault::EintrOnce(at),
        ]),
        Sort::Create => faults.extend([Fault::Full(at), Fault::EintrOnce(at)]),
        Sort::Mkdir => faults.push(Fault::Full(at)),
        Sort::Sync => faults.extend([Fault::EioEver(at), Fault::EintrOnce(at)]),
        Sort::Rename | Sort::Unlink => faults.push(Fault::EioEver(at)),
        Sort::Open | Sort::Truncate => {}
    }
    faults
}

fn all_faults(operation: &Operation) -> Vec<Fault> {
    let mut all: Vec<Fault> = (1..)
        .zip(&operation.calls)
        .flat_map(|(at, call)| faults(call.sort, at))
        .collect();
    // The sizes of the index's files are a few KiB.
    all.extend((0..6000).step_by(97).map(Fault::Budget));
    all
}

/// All of them, or an even sample: every fault and every part of the operation has its share. Where the sample begins
/// is another place each time, which `WINDLASS_FAULTS_SEED` repeats.
pub fn chosen(all: Vec<Fault>, sample: usize) -> Vec<Fault> {
    if std::env::var("WINDLASS_FAULTS").is_ok_and(|faults| faults == "all") {
        return all;
    }
    let step = all.len().div_ceil(sample).max(1);
    // The step must not go with the number of faults of a call, or some would never be chosen.
    let step = if step > 1 { step | 1 } else { step };
    all.into_iter().skip(seed() % step).step_by(step).collect()
}

/// That of this run, which is told.
fn seed() -> usize {
    static SEED: OnceLock<usize> = OnceLock::new();
    *SEED.get_or_init(|| {
        let given = std::env::var("WINDLASS_FAULTS_SEED").ok();
        let given = given.map(|seed| seed.parse().expect("WINDLASS_FAULTS_SEED is a number"));
        let seed = given.unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            now.subsec_micros() as usize
        });
        eprintln!("WINDLASS_FAULTS_SEED={seed}");
        seed
    })
}

/// Whether the program may succeed in spite of a fault.
fn may_succeed(operation: &Operation, fault: Fault, struck: Option<&Call>) -> bool {
    match fault {
        Fault::Full(at) | Fault::ShortThenFull(at) => {
            let rest = operation
                .calls
                .iter()
                .skip(usize::try_from(at).unwrap() - 1);
            !rest.into_iter().any(|call| call.sort.takes_space())
        }
        Fault::EioOnce(_) | Fault::EioEver(_) => {
            // Removing files comes after the commit, and so does emptying the lock.
            struck.is_some_and(|call| matches!(call.sort, Sort::Unlink | Sort::Truncate))
        }
        _ => true,
    }
}

/// Whether a fault can leave unfinished work: those that forbid to clear it away, and those after
/// which it is not known whether the manifest names it.
fn may_leave_work(fault: Fault, struck: Option<&Call>, workspace: &Workspace) -> bool {
    let index = workspace.index();
    fault.kills()
        || struck.is_some_and(|call| {
            call.sort == Sort::Unlink
                || call.path == index.join("manifest.json")
                || (call.sort == Sort::Sync && call.path == index)
        })
}

fn inject(operation: &Operation, fault: Fault) {
    let workspace = operation.workspace();
    let index = workspace.index();
    let durable = Durable::hold(&workspace);
    let outcome = operation.run(&workspace, fault);
    let told = format!(
        "{}, {fault:?} at {:?}: {:?}, {}",
        operation.name,
        outcome.log.struck_call(),
        outcome.output.status,
        outcome.stderr()
    );
    // Which call is the N-th is not the same each time where two threads write.
    let is_deterministic = operation.name != "threaded ingest";
    if is_deterministic {
        check_struck(operation, fault, &outcome, &told);
    }
    check_message(fault, &outcome, &workspace, &told);
    assert!(!outcome.stderr().contains("panicked"), "{told}");
    let is_acknowledged = outcome.output.status.success();
    check_state(operation, &index, is_acknowledged, &told);

    if !may_leave_work(fault, outcome.log.struck_call(), &workspace) {
        let left = leftovers(&index);
        assert!(
            left.iter().all(|name| operation.leftovers.contains(name)),
            "{told}: left {left:?}"
        );
    }
    check_images(operation, durable, &workspace, &outcome, &told);

    let again = operation.run(&workspace, Fault::None);
    assert!(
        again.output.status.success(),
        "{told}, then {}",
        again.stderr()
    );
    check_state(operation, &index, true, &told);
    assert_eq!(leftovers(&index), [""; 0], "{told}");
    assert_eq!(names(&index), operation.names, "{told}");
    assert!(merged(&index) == operation.merged, "{told}: other bytes");
}

/// Whatever a loss of power would leave after a run is in a state of the operation, and the command,
/// run again, goes on from there.
pub fn check_images(
    operation: &Operation,
    durable: Durable,
    workspace: &Workspace,
    outcome: &Outcome,
    told: &str,
) {
    let is_acknowledged = outcome.output.status.success();
    for image in durable.images(workspace, &outcome.log) {
        let index = image.join("index");
        let told = format!("{told}, and a loss of power ({})", image.display());
        check_state(operation, &index, is_acknowledged, &told);
        let again = operation.again(&index);
        assert!(again.status.success(), "{told}: {again:?}");
        check_state(operation, &index, true, &told);
        assert_eq!(leftovers(&index), [""; 0], "{told}");
    }
}

/// The fault has struck, and the program succeeded where it could, and only there.
fn check_struck(operation: &Operation, fault: Fault, outcome: &Outcome, told: &str) {
    let struck = outcome.log.struck_call();
    assert!(
        struck.is_some() || matches!(fault, Fault::Budget(_)),
        "{told}"
    );
    assert_eq!(outcome.was_killed(), fault.kills(), "{told}");
    let has_succeeded = outcome.output.status.success();
    if fault.is_harmless() {
        assert!(has_succeeded, "{told}");
    } else if has_succeeded {
        assert!(may_succeed(operation, fault, struck), "{told}");
    }
}

/// A failure has its exit code, and says what failed where.
fn check_message(fault: Fault, outcome: &Outcome, workspace: &Workspace, told: &str) {
    if outcome.output.status.success() || outcome.was_killed() {
        return;
    }
    assert_eq!(outcome.output.status.code(), Some(1), "{told}");
    let reason = match fault {
        Fault::EioOnce(_) | Fault::EioEver(_) => "Input/output error",
        Fault::EintrOnce(_) => "Interrupted",
        _ => "No space left on device",
    };
    let root = workspace.root();
    // That of a merge behind an ingest stands in the summary.
    let said = format!("{}{}", outcome.stderr(), outcome.stdout());
    assert!(
        said.contains(reason) && said.contains(root.to_str().unwrap()),
        "{told}: {said}"
    );
}

/// The index is whole, and in one of the states of the operation; in the last where that was
/// acknowledged.
fn check_state(operation: &Operation, index: &Path, is_acknowledged: bool, told: &str) {
    let state = State::of(index).unwrap_or_else(|error| panic!("{told}: {error}"));
    if is_acknowledged {
        assert_eq!(&state, operation.after(), "{told}");
    } else {
        let is_new = operation.states.first() == Some(&None);
        let is_begun = is_new && state.as_ref().is_some_and(State::is_empty);
        assert!(is_begun || operation.states.contains(&state), "{told}");
    }
    if state.is_some() {
        let verified = windlass(["verify".as_ref(), "--index".as_ref(), index.as_os_str()]);
        assert!(verified.status.success(), "{told}");
    }
}

fn inject_all(operation: &Operation) {
    inject_some(operation, all_faults(operation), SAMPLE);
}

fn inject_some(operation: &Operation, all: Vec<Fault>, sample: usize) {
    let faults = chosen(all, sample);
    for fault in &faults {
        inject(operation, *fault);
    }
    eprintln!(
        "{}: {} faults in {} calls",
        operation.name,
        faults.len(),
        operation.calls.len()
    );
}

#[test]
fn faults_in_the_first_ingest() {
    inject_all(&first_ingest());
}

#[test]
fn faults_in_a_further_ingest() {
    inject_all(&further_ingest());
}

#[test]
fn faults_in_an_ingest_that_spills() {
    inject_all(&spilling_ingest());
}

#[test]
fn faults_in_an_ingest_in_batches() {
    inject_all(&ingest_in_batches());
}

#[test]
fn faults_in_a_merge() {
    inject_all(&full_merge());
}

#[test]
fn faults_in_the_recovery_from_a_crash() {
    inject_all(&recovery());
}

#[test]
fn faults_in_an_ingest_by_two_threads() {
    inject_all(&threaded_ingest());
}

#[test]
fn faults_in_an_ingest_that_merges() {
    let operation = merging_ingest();
    let commits = operation.calls.iter().filter(|call| call.commits()).count();
    assert_eq!(commits, 2, "the ingest, and the merge");
    inject_all(&operation);
}

/// The calls of an operation at a file that is spilled, and those at a segment that is opened once more, to add what is
/// ready-made.
fn large_faults(operation: &Operation) -> Vec<Fault> {
    // Its name is taken away at once.
    let is_spool = |call: &Call| call.path.to_string_lossy().contains(".spool");
    let is_segment = |call: &Call| call.path.extension().is_some_and(|e| e == "segment");
    let calls = &operation.calls;
    assert!(
        calls
            .iter()
            .any(|call| is_spool(call) && call.sort == Sort::Write)
    );
    let again = calls
        .iter()
        .position(|call| is_segment(call) && call.sort == Sort::Open)
        .expect("a segment that is opened to be written");
    let behind = calls.iter().skip(again);
    assert!(
        behind
            .clone()
            .any(|call| is_segment(call) && call.sort == Sort::Write)
    );
    let behind_sync = behind.filter(|call| is_segment(call) && call.sort == Sort::Sync);
    assert!(behind_sync.count() > 0);
    (1..)
        .zip(calls)
        .filter(|(at, call)| *at > again as u64 || is_spool(call))
        .flat_map(|(at, call)| faults(call.sort, at))
        .collect()
}

#[test]
fn faults_in_an_ingest_of_many_links() {
    let operation = large_ingest();
    inject_some(&operation, large_faults(&operation), LARGE_SAMPLE);
}

#[test]
fn faults_in_a_merge_of_many_links() {
    let operation = large_merge();
    inject_some(&operation, large_faults(&operation), LARGE_SAMPLE);
}

/// A process dies before what it did is durable; the next one must not rely on it, and dies too;
/// then the power fails.
#[test]
fn two_crashes_and_a_loss_of_power() {
    let mut pairs = 0;
    for operation in [full_merge(), further_ingest()] {
        let rename = operation.calls.iter().position(Call::commits).unwrap() as u64 + 1;
        // Before the rename; before the fsync of the directory; before the first removal, or the end.
        for first in rename..rename + 3 {
            pairs += crash_twice(&operation, first);
        }
    }
    let operation = first_ingest();
    assert_eq!(operation.calls[0].sort, Sort::Mkdir);
    pairs += crash_twice(&operation, 2);
    eprintln!("two crashes: {pairs} pairs");
}

/// The first crash before call `first`, the second before every call of the next run.
fn crash_twice(operation: &Operation, first: u64) -> usize {
    for second in 1.. {
        let workspace = operation.workspace();
        let durable = Durable::hold(&workspace);
        let crash = operation.run(&workspace, Fault::KillBefore(first));
        assert!(crash.was_killed());
        let command = operation.command(&workspace, Fault::KillBefore(second));
        // The log goes on: it tells what is durable.
        let outcome = Outcome::of(command, &workspace);
        let told = format!(
            "{}, killed before call {first}, again before {second}",
            operation.name
        );
        check_state(operation, &workspace.index(), false, &told);
        check_images(operation, durable, &workspace, &outcome, &told);
        if !outcome.was_killed() {
            return usize::try_from(second).unwrap();
        }
    }
    unreachable!("the second run never ended")
}
