//! What runs in containers.

use landfall_core::diagnostic::Severity::{Note, Warning};

use super::script::{migration_in, script_of};
use crate::facts::{App, place};
use crate::finding::Out;
use crate::know;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "development-server",
        severity: Warning,
        title: "a development server in production",
        why: "Development servers handle one request at a time or watch every file, print stack traces \
            to visitors, and are not made to withstand anybody. Their authors say so in their manuals.",
        fix: "start the production server: gunicorn, uvicorn without `--reload`, a built bundle behind nginx",
        before: "services:\n  web:\n    image: web:1.4.2\n    command: python manage.py runserver 0.0.0.0:8000\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    command: gunicorn --bind :8000 shop.wsgi\n",
        run: development_server,
    },
    Rule {
        id: "debug-enabled",
        severity: Warning,
        title: "debugging switched on",
        why: "In debug mode frameworks show source code, settings and often secrets on error pages, \
            some with a console that runs commands, and keep every query in memory.",
        fix: "take it away, or set it in a file that only developers use",
        before: "services:\n  web:\n    image: web:1.4.2\n    environment: {DJANGO_DEBUG: \"True\"}\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    environment: {DJANGO_DEBUG: \"False\"}\n",
        run: debug,
    },
    Rule {
        id: "migrations-in-command",
        severity: Warning,
        title: "migrations hidden in a start command",
        why: "The schema is changed whenever a container starts: at a restart, on each replica, at the \
            same time, with no backup before it. When it fails the container restarts and tries again. \
            A rollback starts old code on the new schema, and nothing says so.",
        fix: "make it a service of its own that others wait for with `service_completed_successfully`",
        before: "services:\n  web:\n    image: web:1.4.2\n    command: sh -c \"python manage.py migrate && exec \
            gunicorn shop.wsgi\"\n",
        after: "services:\n  migrate:\n    image: web:1.4.2\n    command: python manage.py migrate\n    restart: \
            \"no\"\n  web:\n    image: web:1.4.2\n    command: gunicorn shop.wsgi\n    depends_on:\n      migrate: \
            {condition: service_completed_successfully}\n",
        run: migrations,
    },
    Rule {
        id: "supervisord",
        severity: Warning,
        title: "several programs in one container",
        why: "A supervisor hides what it runs: the container is up while the web server in it crashes \
            every second, logs are mixed or lie in files, one healthcheck stands for all, and nothing \
            can be scaled, limited or replaced by itself.",
        fix: "make each program a service with the same image and another `command`",
        before: "services:\n  web:\n    image: web:1.4.2\n    command: supervisord -n -c /etc/supervisord.conf\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    command: gunicorn shop.wsgi\n  worker:\n    image: \
            web:1.4.2\n    command: celery -A shop worker\n",
        run: supervisor,
    },
    Rule {
        id: "role-switches",
        severity: Note,
        title: "one image whose switches choose what runs in it",
        why: "`ENABLE_…` switches that start a web server, workers or migrations in one container are a \
            supervisor by another name: every container carries everything, and a wrong switch runs a \
            second scheduler or migrates twice.",
        fix: "give each role its own service with its own `command`",
        before: "services:\n  web:\n    image: web:1.4.2\n    environment: {ENABLE_NGINX: \"yes\", \
            ENABLE_UWSGI: \"yes\"}\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    command: uwsgi --ini /etc/uwsgi.ini\n",
        run: role_switches,
    },
    Rule {
        id: "shell-as-pid1",
        severity: Warning,
        title: "a shell that keeps the signal to stop for itself",
        why: "`sh -c \"a && b\"` stays the first process, and a shell does not hand SIGTERM on. The \
            program never hears that it should stop: after the grace period it is killed, with its \
            requests and tasks, and every deploy waits that long.",
        fix: "write `exec` before the last program",
        before: "services:\n  web:\n    image: web:1.4.2\n    command: sh -c \"./prepare && gunicorn shop.wsgi\"\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    command: sh -c \"./prepare && exec gunicorn \
            shop.wsgi\"\n",
        run: shell,
    },
];

fn development_server(app: &App<'_>, out: &mut Out) {
    if app.is_for_development() {
        return;
    }
    for service in app.services() {
        let Some(runs) = service.runs(app) else { continue };
        if let Some(server) = know::is_development_server(&runs.line()) {
            let message = format!("`{}` runs the development server `{server}`", service.name);
            out.service(service, runs.at, message);
        }
    }
}

fn debug(app: &App<'_>, out: &mut Out) {
    if app.is_for_development() {
        return;
    }
    for service in app.services() {
        for variable in &service.environment {
            let value = variable.value().trim().to_ascii_lowercase();
            let is_on = match &*variable.name.to_ascii_uppercase() {
                "DEBUG" | "APP_DEBUG" | "DJANGO_DEBUG" | "FLASK_DEBUG" | "WP_DEBUG"
                | "DEBUG_MODE" | "ENABLE_DEBUG" | "RAILS_DEBUG" => {
                    matches!(&*value, "1" | "true" | "yes" | "on")
                }
                "NODE_ENV"
                | "RAILS_ENV"
                | "RACK_ENV"
                | "FLASK_ENV"
                | "APP_ENV"
                | "MIX_ENV"
                | "DJANGO_ENV"
                | "ASPNETCORE_ENVIRONMENT"
                | "DOTNET_ENVIRONMENT" => {
                    matches!(&*value, "development" | "dev" | "local")
                }
                "GIN_MODE" => value == "debug",
                "DJANGO_SETTINGS_MODULE" => {
                    matches!(know::extension(&value), "dev" | "development" | "local")
                }
                _ => false,
            };
            if is_on {
                let message =
                    format!("`{}` switches debugging on in `{}`", variable.name, service.name);
                out.service(service, variable.at.clone(), message);
            }
        }
    }
}

fn migrations(app: &App<'_>, out: &mut Out) {
    for service in app.services().filter(|s| !s.is_one_off && !s.is_job(app)) {
        let Some(runs) = service.runs(app) else { continue };
        let line = runs.line();
        if let Some(migration) = know::migration(&line) {
            let message = format!("`{}` runs `{migration}` whenever it starts", service.name);
            out.service(service, runs.at, message);
        } else if let Some(script) = script_of(app, service)
            && let Some((migration, at)) = migration_in(app, &script)
        {
            let message = format!("`{}` runs `{migration}` whenever it starts", service.name);
            out.service(service, at, message).related(runs.at, "the script is started here");
        }
    }
}

fn supervisor(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        let config = service.mounts.iter().find(|mount| mount.target.contains("supervisord.conf"));
        let runs = service.runs(app);
        let line = runs.as_ref().map(crate::facts::CommandLine::line).unwrap_or_default();
        let started = ["supervisord", "supervisor"].iter().any(|w| know::has_word_run(&line, w));
        let at = if started || line.contains("supervisord.conf") {
            runs.map(|runs| runs.at)
        } else if let Some(mount) = config {
            Some(mount.at.clone())
        } else {
            let script = script_of(app, service);
            let starts = |line: &str| line.contains("supervisord") && !line.trim().starts_with('#');
            script.and_then(|script| {
                let (_, number) =
                    script.text.lines().zip(1_u32..).find(|(line, _)| starts(line))?;
                Some(place(&app.shown(&script.path), number, 1))
            })
        };
        if let Some(at) = at {
            let message = format!("`{}` runs several programs under a supervisor", service.name);
            out.service(service, at, message);
        }
    }
}

fn role_switches(app: &App<'_>, out: &mut Out) {
    const ROLES: &[&str] = &[
        "NGINX",
        "UWSGI",
        "GUNICORN",
        "CELERY",
        "BEAT",
        "WORKER",
        "WORKERS",
        "MIGRATIONS",
        "MIGRATION",
        "CRON",
        "SCHEDULER",
        "SUPERVISOR",
        "POSTGRES",
        "REDIS",
        "SSH",
        "SIDEKIQ",
        "WEB",
    ];
    for service in app.services() {
        let mut switches = service.environment.iter().filter(|variable| {
            let role =
                ["ENABLE_", "RUN_", "START_"].iter().find_map(|s| variable.name.strip_prefix(s));
            role.is_some_and(|role| role.split('_').any(|part| ROLES.contains(&part)))
        });
        if let (Some(first), Some(second)) = (switches.next(), switches.next()) {
            let (one, two) = (first.name, second.name);
            let message = format!("`{one}` and `{two}` choose what `{}` runs", service.name);
            out.service(service, first.at.clone(), message);
        }
    }
}

fn shell(app: &App<'_>, out: &mut Out) {
    for service in app.services().filter(|s| !s.is_one_off && !s.is_job(app)) {
        let Some(runs) = service.runs(app) else { continue };
        let Some(script) = runs.script() else { continue };
        let flat = script.replace("&&", ";").replace('\n', ";");
        let mut parts = flat.split(';').map(str::trim).filter(|part| !part.is_empty());
        let Some(last) = parts.next_back() else { continue };
        let is_compound = parts.next().is_some();
        let handled =
            last.starts_with("exec ") || script.contains("exec ") || script.contains("trap ");
        // The end of a loop or a condition is no program.
        let is_end = matches!(last, "done" | "fi" | "esac" | "wait") || last.ends_with('&');
        if is_compound && !handled && !is_end {
            let message =
                format!("the shell of `{}` keeps the signal to stop for itself", service.name);
            out.service(service, runs.at, message);
        }
    }
}
