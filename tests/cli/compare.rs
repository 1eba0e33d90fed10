//! `idgan sweep` and `idgan table`: the paper's sweep files make sense, a small sweep runs to its end and only once,
//! and results become the paper's tables and figures.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn idgan(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_idgan")).current_dir(folder).args(arguments).output().unwrap()
}

fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = idgan(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_papers_sweep_files_are_valid_to_the_last_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, runs, part) in [
        ("table1", 8 * 3 * 5, "--method factor-vae --data noisy-dsprites"),
        ("table2", 4 * 5, "--method vae-gan --data dsprites"),
        ("table3", 4 * 5, "--metrics fid,r_id,gilbo --inception pt_inception"),
        ("table4", 6 * 3 * 5, "--preset cars-64 --method gan"),
        ("figure-a10", 11 * 5, "--set gan.w_info=0.0001"),
        ("unsupervised-study", 36 * 5, "--method dip-vae-ii --data dsprites"),
        ("iae-mnist", 3 * 3, "--data mnist-test:mnist --seed 0 --metrics classification_error"),
        (
            "iae-mnist-small",
            3 * 3,
            "train iae --preset mnist-clusters-small --method fiae --data mnist:mnist",
        ),
        ("ibgan", 9 * 10, "--method ib-gan --data dsprites --seed 0 --set ibgan.beta=0.141"),
        ("ibgan-photos", 3 * 2, "--metrics fid --samples 50000 --inception pt_inception"),
        ("ibgan-small", 4, "--metrics fvm,information,bottleneck"),
        ("oogan", 4 * 5, "--method oogan --data dsprites --seed 0 --set oogan.orthogonal=false"),
        ("oogan-celeba", 5 * 3, "--metrics diversity,cosine,one_hot_l1,uniform_l1 --inception"),
        ("oogan-small", 4, "train oogan --preset dsprites-small --method oogan-infogan"),
        (
            "table2-small",
            5 * 2,
            "--method idgan-no-distill --data dsprites --vae runs/table2-small/dsprites/beta-vae",
        ),
    ] {
        let file = format!("docs/results/{name}.toml");
        let plan = succeed(folder, &["sweep", &file, "--dry-run"]);
        let trained = plan.lines().filter(|line| line.starts_with("idgan train ")).count();
        assert_eq!(trained, runs, "{name}");
        assert!(plan.contains(part), "{name}: {plan}");
        assert_eq!(succeed(folder, &["sweep", &file, "--list"]).lines().count(), runs, "{name}");
    }
}

const SMALL: &str = r#"
    out = "runs"
    seeds = [0]
    set = ["batch=2", "sample_every=0"]
    [[data]]
    name = "dsprites"
    vae = "dsprites-small"
    gan = "dsprites-small"
    [[method]]
    name = "distilled"
    method = "idgan"
    vae = "beta-vae"
    steps = 3
    measured = false
    [[method]]
    name = "beta-vae"
    steps = 2
    measured = false
    [[method]]
    name = "gan"
    steps = 2
    measured = false
"#;

#[test]
fn a_sweep_runs_to_its_end_in_any_order_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("sweep.toml"), SMALL).unwrap();
    let checkpoint =
        |name: &str| folder.join("runs/dsprites").join(name).join("seed-0/checkpoint.safetensors");
    // the last run first: it trains what it distils
    succeed(folder, &["sweep", "sweep.toml", "--index", "2"]);
    assert!(checkpoint("distilled").is_file() && checkpoint("beta-vae").is_file());
    assert!(!checkpoint("gan").exists());
    let before = std::fs::metadata(checkpoint("distilled")).unwrap().modified().unwrap();
    succeed(folder, &["sweep", "sweep.toml", "--jobs", "2"]);
    assert!(checkpoint("gan").is_file());
    assert!(folder.join("runs/dsprites/gan/seed-0/log.txt").is_file(), "words of runs side by side");
    let list = succeed(folder, &["sweep", "sweep.toml", "--list"]);
    assert_eq!(list.lines().filter(|line| line.contains(" done ")).count(), 3, "{list}");
    assert_eq!(std::fs::metadata(checkpoint("distilled")).unwrap().modified().unwrap(), before);

    // more steps than before: the run goes on
    std::fs::write(folder.join("sweep.toml"), SMALL.replace("steps = 3", "steps = 5")).unwrap();
    let list = succeed(folder, &["sweep", "sweep.toml", "--list"]);
    assert!(list.contains("step 3 of 5"), "{list}");
    succeed(folder, &["sweep", "sweep.toml"]);
    let log = std::fs::read_to_string(folder.join("runs/dsprites/distilled/seed-0/log.jsonl")).unwrap();
    assert!(log.lines().last().unwrap().contains("\"step\":5"), "{log}");
}

const MEASURED: &str = r#"
    out = "runs"
    seeds = [0]
    set = ["batch=2", "sample_every=0"]
    metrics = ["KL", "read-back"]
    evaluate = ["--samples", "8"]
    [[data]]
    name = "dsprites"
    vae = "dsprites-small"
    gan = "dsprites-small"
    [[method]]
    name = "beta-vae"
    steps = 2
"#;

#[test]
fn a_sweep_measures_what_is_asked_now() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |text: &str| std::fs::write(folder.join("sweep.toml"), text).unwrap();
    let is_done = || succeed(folder, &["sweep", "sweep.toml", "--list"]).contains(" done ");
    let results = folder.join("runs/dsprites/beta-vae/seed-0/eval.json");
    let samples = || {
        let text = std::fs::read_to_string(&results).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        // after two steps no dimension is active
        assert!(json["left_out"]["read_back"].as_str().unwrap().contains("no dimension"), "{json}");
        json["samples"]["kl"].clone()
    };
    write(MEASURED);
    succeed(folder, &["sweep", "sweep.toml"]);
    assert!(is_done() && samples() == 8, "a metric without a value is answered, too");
    write(&MEASURED.replace("\"8\"", "\"16\""));
    assert!(!is_done(), "asked in another way, it is not done");
    succeed(folder, &["sweep", "sweep.toml"]);
    assert!(is_done() && samples() == 16);
    // a mistake in the measurement is told before anything is trained
    for (from, to, part) in [
        ("\"--samples\"", "\"--sampels\"", "--sampels"),
        ("\"KL\"", "\"fid\"", "fid on color-dsprites needs a network"),
    ] {
        write(&MEASURED.replace(from, to).replace("name = \"dsprites\"", "name = \"color-dsprites\""));
        let output = idgan(folder, &["sweep", "sweep.toml", "--dry-run"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(part), "{said}");
    }
    // a run of other values is not taken for this one
    write(&MEASURED.replace("batch=2", "batch=4"));
    let output = idgan(folder, &["sweep", "sweep.toml"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("batch 2 there, 4 here"), "{said}");
    // results of an older checkpoint are not those of the run
    let table = || idgan(folder, &["table", "runs", "--metrics", "kl"]);
    assert!(table().status.success());
    succeed(folder, &["train", "vae", "--out", "runs/dsprites/beta-vae/seed-0", "--resume", "--steps", "3"]);
    let output = table();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("trained on after it was measured"), "{said}");
    // what cannot be read does not hide the others
    std::fs::write(folder.join("runs/dsprites/beta-vae/seed-0/checkpoint.safetensors"), b"half").unwrap();
    write(MEASURED);
    assert!(succeed(folder, &["sweep", "sweep.toml", "--list"]).contains("unreadable"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_stop_reaches_the_runs_of_a_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("sweep.toml"), MEASURED.replace("steps = 2", "steps = 1000000")).unwrap();
    let mut sweep = Command::new(env!("CARGO_BIN_EXE_idgan"))
        .current_dir(folder)
        .args(["sweep", "sweep.toml"])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let log = folder.join("runs/dsprites/beta-vae/seed-0/log.jsonl");
    let start = std::time::Instant::now();
    while !std::fs::read_to_string(&log).is_ok_and(|text| text.lines().count() > 1) {
        assert!(start.elapsed().as_secs() < 60, "the run does not begin");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    // to the sweep alone, as a scheduler does
    let told = Command::new("sh").args(["-c", &format!("kill -USR1 {}", sweep.id())]).status().unwrap();
    assert!(told.success() && !sweep.wait().unwrap().success());
    let list = succeed(folder, &["sweep", "sweep.toml", "--list"]);
    assert!(list.contains("of 1000000") && !list.contains("step 0 "), "it has saved: {list}");
}

#[test]
fn mistakes_in_a_sweep_are_told_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (from, to, part) in [
        ("method = \"idgan\"", "method = \"idgam\"", "idgam"),
        ("batch=2", "betch=2", "betch"),
        ("vae = \"dsprites-small\"", "vae = \"dsprites-huge\"", "dsprites-huge"),
    ] {
        std::fs::write(folder.join("sweep.toml"), SMALL.replace(from, to)).unwrap();
        let output = idgan(folder, &["sweep", "sweep.toml"]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(part), "{error}");
        assert!(!folder.join("runs").exists());
    }
    std::fs::write(folder.join("sweep.toml"), SMALL).unwrap();
    let output = idgan(folder, &["sweep", "sweep.toml", "--index", "9"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("0 to 2"));
}

/// A run folder as a measured run leaves it, as far as tables are concerned.
fn measured_run(folder: &Path, name: &str, arguments: &[&str], metrics: &str) -> PathBuf {
    let run = folder.join("runs").join(name);
    std::fs::create_dir_all(&run).unwrap();
    let config = succeed(folder, &[&["train"], arguments, &["--dry-run"]].concat());
    std::fs::write(run.join("config.toml"), config).unwrap();
    let results =
        format!("{{\"model_hash\":\"\",\"data\":\"dsprites\",\"seed\":0,\"metrics\":{{{metrics}}}}}");
    std::fs::write(run.join("eval.json"), results).unwrap();
    run
}

#[test]
fn results_become_the_papers_table_and_figures() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let value =
        |name: &str, value: f64| format!("\"{name}\":{{\"value\":{value},\"low\":{value},\"high\":{value}}}");
    let all = |fvm, fid| [value("fvm", fvm), value("fid", fid)].join(",");
    let vae = ["vae", "--preset", "dsprites-small"];
    let run = measured_run(folder, "vae/0", &vae, &all(0.5, 30.0));
    measured_run(folder, "vae/1", &[&vae[..], &["--seed", "1"]].concat(), &all(0.7, 40.0));
    let run = run.display().to_string();
    let gan = ["gan", "--preset", "dsprites-small", "--vae", &run];
    measured_run(folder, "gan", &gan, &all(0.6, 3.0));
    let stronger = [&gan[..], &["--set", "gan.w_info=0.1"]].concat();
    measured_run(folder, "stronger", &stronger, &value("fid", 2.0));
    std::fs::create_dir_all(folder.join("runs/unmeasured")).unwrap();
    std::fs::copy(folder.join("runs/gan/config.toml"), folder.join("runs/unmeasured/config.toml")).unwrap();

    let output = idgan(folder, &["table", "runs", "--trade-off", "a.svg", "--lambda", "b.png"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && said.contains("not measured yet") && said.contains("unmeasured"),
        "{said}"
    );
    let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(row("β-VAE").contains("0.60 ± 0.14 (2)") && row("β-VAE").contains("37.75 ± 24.58"), "{text}");
    assert!(row("ID-GAN (two-step), gan.w_info=0.01").contains("3.00 (1)"), "{text}");
    assert!(row("ID-GAN (two-step), gan.w_info=0.1").contains("2.00 (1)"), "{text}");
    // Named twice, a run counts once; what cannot be read is told and left out.
    let broken = folder.join("runs/broken");
    std::fs::create_dir_all(&broken).unwrap();
    std::fs::write(broken.join("config.toml"), "method = 3").unwrap();
    let output = idgan(folder, &["table", "runs", "runs/vae/0", "--metrics", "fid"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("35.00 ± 7.07 (2)") && said.contains("broken"),
        "{said}"
    );
    std::fs::remove_dir_all(&broken).unwrap();
    let svg = std::fs::read_to_string(folder.join("a.svg")).unwrap();
    assert!(svg.contains("ID-GAN+β-VAE, paper"), "{svg}");
    let picture = image::open(folder.join("b.png")).unwrap();
    assert!(picture.width() > 400);
    succeed(folder, &["table", "runs", "--trade-off", "a.pdf"]);
    assert!(std::fs::read(folder.join("a.pdf")).unwrap().starts_with(b"%PDF"));

    succeed(folder, &["table", "runs", "--format", "latex", "--out", "table.tex"]);
    assert!(std::fs::read_to_string(folder.join("table.tex")).unwrap().contains("\\bottomrule"));
    let csv = succeed(folder, &["table", "runs", "--table", "2", "--format", "csv", "--metrics", "fid"]);
    assert!(csv.contains("β-VAE (reference),dSprites,fid,35,"), "{csv}");
    let output = idgan(folder, &["table", "runs", "--lambda", "b.jpg"]);
    assert_eq!(output.status.code(), Some(2));
    let output = idgan(folder, &["table", "runs/unmeasured"]);
    assert_eq!(output.status.code(), Some(1));
}
