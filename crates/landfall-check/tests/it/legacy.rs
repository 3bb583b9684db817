//! Older layouts of five kinds of systems, as people really have them, and what has to be found in
//! them before anybody deploys.

use std::collections::BTreeMap;

use crate::support::Project;

/// The project of a folder under `legacy`.
fn found(text: &str) -> BTreeMap<String, usize> {
    Project::new(text).rules()
}

/// Asserts that rules find something, each as often as is said.
fn assert_found(text: &str, expected: &[(&str, usize)]) {
    let found = found(text);
    for (rule, times) in expected {
        assert!(landfall_check::rule(rule).is_some(), "there is no rule `{rule}`");
        let times_found = found.get(*rule).copied().unwrap_or_default();
        assert_eq!(times_found, *times, "{rule}: {found:#?}");
    }
}

// R1, R2, R147, R148: S1, step 2: the mount over the code, and no TLS.
#[test]
fn a_signage_server_with_its_code_mounted_from_a_folder_of_data() {
    let text = include_str!("legacy/signage.txt");
    assert_found(
        text,
        &[
            ("code-bind-mounted", 1),
            ("no-tls", 1),
            ("fixed-container-name", 1),
            ("route-without-health", 1),
        ],
    );
    assert_eq!(
        Project::new(text).said_by("code-bind-mounted"),
        [
            "error docker-compose.yml:6:9: `./data` of the host lies over `/app`, the code of `signage`"
        ]
    );
}

// R56, R240: the same system as it should be: only what it keeps is mounted.
#[test]
fn a_signage_server_that_mounts_what_it_keeps() {
    let text = include_str!("legacy/signage-mended.txt");
    assert_found(
        text,
        &[("code-bind-mounted", 0), ("no-tls", 0), ("bind-file-missing", 0), ("data-tracked", 0)],
    );
}

// R104: S1, step 7: a configuration that is mounted and not there.
#[test]
fn a_signage_server_without_one_of_its_files() {
    let text = include_str!("legacy/signage-mended.txt");
    let without = text.replace("--- data/custom-domains.conf\n# none yet\n", "");
    assert_ne!(text, without);
    assert_found(&without, &[("bind-file-missing", 1)]);
}

// R149, R150, R151: one image, roles by switches, the tree mounted, the database beside the project.
#[test]
fn a_video_portal_of_one_image_with_switches() {
    assert_found(
        include_str!("legacy/videos-monolith.txt"),
        &[
            ("code-bind-mounted", 4),
            ("role-switches", 4),
            ("image-latest", 4),
            ("data-outside-project", 1),
            ("secret-in-file", 1),
            ("queue-not-persisted", 0),
        ],
    );
}

// R240: S2, step 2: the new files over the old folder: a plain deploy would start empty (M2).
#[test]
fn a_video_portal_of_services_in_the_folder_of_the_old_one() {
    assert_found(
        include_str!("legacy/videos-services.txt"),
        &[
            ("legacy-data-left", 3),
            ("volume-shadows-image", 1),
            ("queue-not-persisted", 1),
            ("stop-grace-short", 2),
            ("scheduler-twice", 1),
            // R118: S2, step 9: what has no healthcheck of its own.
            ("route-without-health", 1),
            ("no-healthcheck", 1),
            ("nginx-static-upstream", 1),
            ("secret-in-file", 2),
        ],
    );
}

// R98, R52: S2, step 14: the overlay for TLS publishes 80 twice and lacks a file (M19, M20, M29).
#[test]
fn a_video_portal_with_an_overlay_for_tls() {
    let text = include_str!("legacy/videos-services.txt");
    let text = format!("@files docker-compose.yaml docker-compose-tls.yaml\n{text}");
    assert_found(
        &text,
        &[
            ("host-port-twice", 1),
            ("empty-list-in-overlay", 1),
            ("bind-file-missing", 1),
            ("docker-socket", 2),
        ],
    );
    let said = Project::new(&text).said_by("host-port-twice");
    assert!(said[0].ends_with("`front-proxy` publishes port 80, as `nginx` does"), "{said:?}");
}

// R28, R43, R81: S3, step 3: `latest`, the database published, migrations in the command.
// R68: step 2: the site's address is not among the allowed hosts. R71: step 4: a committed secret.
#[test]
fn a_booking_system_with_its_policies_broken() {
    let text = include_str!("legacy/bookings-broken.txt");
    assert_found(
        text,
        &[
            ("image-latest", 1),
            ("database-published", 1),
            ("migrations-in-command", 1),
            ("site-host-not-allowed", 1),
            ("secret-tracked", 1),
        ],
    );
    let said = Project::new(text).said_by("secret-tracked");
    assert_eq!(
        said,
        ["error .env:2:1: git tracks `.env`, which holds `DJANGO_SECRET_KEY` and 2 more"]
    );
}

// R42, R44: the same system as planned gives no errors and no warnings.
#[test]
fn a_booking_system_as_planned() {
    let findings = Project::new(include_str!("legacy/bookings.txt")).findings();
    let loud: Vec<String> = findings
        .iter()
        .filter(|finding| finding.severity < landfall_core::diagnostic::Severity::Note)
        .map(crate::support::shown)
        .collect();
    assert_eq!(loud, [""; 0]);
}

// S4, step 2: published everywhere (V29), a single file of SQLite (V1), a secret that is not passed
// (V27), the database in git (V3), a loop for cron (V36), migrations at each start (V4), two files of
// one project (V11), a tag that falls back to `latest` (V19). R17, R29, R67, R88, R175.
#[test]
fn a_visa_site_in_two_colours() {
    assert_found(
        include_str!("legacy/visas.txt"),
        &[
            ("app-port-public", 1),
            ("sqlite-single-file", 2),
            ("sqlite-writers", 1),
            ("secret-unused", 1),
            ("data-tracked", 2),
            ("sleep-loop", 1),
            ("migrations-in-command", 1),
            ("shell-as-pid1", 1),
            ("shared-project-name", 1),
            ("fixed-container-name", 2),
            ("image-latest", 2),
            ("health-command-missing", 0),
        ],
    );
}

// R113, R159, R160, R172: S5, step 3: code mounts in each service, images made for development,
// `latest`, a scheduler that is no singleton, front ends that nothing checks.
#[test]
fn a_writing_platform_that_runs_from_the_host() {
    assert_found(
        include_str!("legacy/writing.txt"),
        &[
            ("code-bind-mounted", 6),
            ("development-image", 3),
            ("image-latest", 6),
            ("scheduler-twice", 1),
            ("no-healthcheck", 1),
            ("stop-grace-short", 1),
        ],
    );
}

// R48: S5, step 1: the network of the other stack is not there.
#[test]
fn a_writing_platform_without_its_infrastructure() {
    let text = include_str!("legacy/writing.txt");
    let text = format!("@engine {{\"networks\": [\"bridge\", \"host\", \"none\"]}}\n{text}");
    assert_found(&text, &[("external-missing", 1)]);
}

// R50: S5, step 14: the backend is renamed in one place only.
#[test]
fn a_writing_platform_with_a_service_renamed() {
    let text = include_str!("legacy/writing-own-network.txt");
    assert_found(text, &[("dangling-reference", 0)]);
    let renamed =
        text.replace("  backend:\n", "  api:\n").replace("      backend: {", "      api: {");
    assert_found(&renamed, &[("dangling-reference", 2)]);
}
