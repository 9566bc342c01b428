//! Every kind of call of RocksDB fails, at places spread over its work, with every error that occurs there: the store
//! goes on without a restart, refuses at most for now, and nothing acknowledged is lost.

use std::time::{Duration, Instant};

use deltastore::object::ObjectError;

use crate::child::{self, Client};
use crate::shim::{ALWAYS, Control, Errno, Op, Shim};

/// What a call may fail with.
const FAULTS: &[(Op, &[Errno])] = &[
    (Op::Open, &[Errno::TooManyFiles, Errno::NoSpace, Errno::Io]),
    (Op::Read, &[Errno::Io, Errno::Again]),
    (Op::Write, &[Errno::NoSpace, Errno::Io, Errno::Again]),
    (Op::Sync, &[Errno::Io, Errno::NoSpace]),
    (Op::SyncDir, &[Errno::Io]),
    (Op::Rename, &[Errno::Io, Errno::NoSpace]),
    (Op::Remove, &[Errno::Io]),
    (Op::Truncate, &[Errno::Io]),
    (Op::Allocate, &[Errno::NoSpace]),
    (Op::MakeDir, &[Errno::Io, Errno::NoSpace]),
];
/// Calls of one kind that fail in one phase, one after the other.
const PLACES: u32 = 4;
/// How long a fault lasts that goes on for a while.
const WHILE: Duration = Duration::from_millis(400);

/// What the store does while calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Work,
    Open,
    Rebuild,
}

fn run(phase: Phase, client: &mut Client) -> Result<(), String> {
    match phase {
        Phase::Work => client.work(),
        Phase::Open => client.up(),
        Phase::Rebuild => client.up().and_then(|()| client.work()),
    }
}

fn prepare(phase: Phase, client: &mut Client) -> Result<(), String> {
    match phase {
        Phase::Work => Ok(()),
        Phase::Open => {
            client.down();
            Ok(())
        }
        Phase::Rebuild => client.without_index(),
    }
}

#[test]
#[ignore = "the process under test; run by the test below"]
fn child() {
    let Some(dir) = child::folder() else { return };
    let control = Control::of_this_process();
    let mut client = Client::new(&dir).unwrap();
    let (mut faults, mut hits) = (0, 0);
    for phase in [Phase::Work, Phase::Open, Phase::Rebuild] {
        for (op, errors) in FAULTS {
            let before = control.calls(*op);
            prepare(phase, &mut client).unwrap();
            run(phase, &mut client).unwrap();
            let calls = control.calls(*op) - before;
            let places = calls.min(PLACES);
            println!("{phase:?}: {calls} calls of {op:?}");
            for (error, place) in errors.iter().flat_map(|error| (0..places).map(move |place| (error, place))) {
                prepare(phase, &mut client).unwrap();
                let at = place * calls / places;
                control.fail(*op, *error, at, 1);
                let done = run(phase, &mut client).and_then(|()| client.check());
                done.unwrap_or_else(|reason| {
                    panic!("{phase:?}, {op:?} {at} of {calls} fails with {error:?}: {reason}")
                });
                faults += 1;
                hits += u32::from(control.hits() > 0);
                control.clear();
            }
        }
    }
    for (op, error) in FAULTS.iter().filter_map(|(op, errors)| Some((op, errors.first()?))) {
        lasts_for_a_while(&mut client, &control, *op, *error);
    }
    println!("{hits} of {faults} faults hit");
    assert!(hits * 2 > faults, "{hits} of {faults} faults hit");
    log_sync_fails(&mut client, &control);
}

/// Every call of a kind fails for a while: writes wait, and go on when it is over.
fn lasts_for_a_while(client: &mut Client, control: &Control, op: Op, error: Errno) {
    control.fail(op, error, 0, ALWAYS);
    let done = std::thread::scope(|scope| {
        let working = scope.spawn(|| client.work());
        let start = Instant::now();
        while start.elapsed() < WHILE {
            std::thread::sleep(Duration::from_millis(10));
        }
        control.clear();
        working.join().expect("it does not panic")
    });
    done.and_then(|()| client.check())
        .unwrap_or_else(|reason| panic!("{op:?} fails with {error:?} for {WHILE:?}: {reason}"));
}

/// A failed sync of the log cannot pass: what the disk holds is unknown from then on.
fn log_sync_fails(client: &mut Client, control: &Control) {
    control.watch("/segments/");
    control.fail(Op::Sync, Errno::Io, 0, 1);
    let first = child::put(client.objects(), "key-0", &child::body(0, 1 << 40));
    assert!(matches!(first, Err(ObjectError::ReadOnly(_))), "{first:?}");
    let second = child::put(client.objects(), "key-0", &child::body(0, 2 << 40));
    assert!(matches!(second, Err(ObjectError::ReadOnly(_))), "{second:?}");
    assert!(control.hits() > 0);
    control.watch("/data/index");
}

#[test]
fn errors_of_the_index_pass_without_a_restart() {
    let (shim, folder) = (Shim::new("/data/index"), tempfile::tempdir().unwrap());
    let output = child::command("sweep::child", &shim, &folder.path().join("data")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("faults hit"), "the child did nothing: {said}");
}
