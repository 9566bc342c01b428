#![no_main]

use deltastore_members::{Expander, Expansion, Settings, recreate};

// A zlib header goes before the bytes, so that they are decoded as DEFLATE blocks from the start.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let object = [&[0x78, 0x01], bytes].concat();
    let settings = Settings { unit: 1000, plain: 2000, gap: 100, member: 8, ..Settings::default() };
    let mut out = Expansion::default();
    let mut expander = Expander::new(settings);
    expander.push(&object, &mut out);
    expander.finish(&mut out);
    let mut again = Vec::new();
    for unit in out.units {
        let view = &out.view[unit.view.start as usize..unit.view.end as usize];
        assert!(view.len() as u64 <= unit.len * 4);
        again.extend(recreate(&unit.program, view, unit.len as usize).expect("a unit that was proven"));
    }
    assert_eq!(again, object);
});
