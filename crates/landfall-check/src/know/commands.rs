//! What command lines do, by their words. Lines are lower-case with single spaces.

/// Words of development servers that stand in a row.
const DEVELOPMENT_SERVERS: &[&str] = &[
    "manage.py runserver",
    "flask run",
    "npm run dev",
    "npm run start:dev",
    "yarn dev",
    "yarn run dev",
    "yarn start:dev",
    "pnpm dev",
    "pnpm run dev",
    "bun dev",
    "bun run dev",
    "next dev",
    "nuxt dev",
    "ng serve",
    "vue-cli-service serve",
    "react-scripts start",
    "gatsby develop",
    "nodemon",
    "webpack serve",
    "webpack-dev-server",
    "artisan serve",
    "php -s",
    "hugo server",
    "jekyll serve",
    "cargo watch",
    "ts-node-dev",
    "tsx watch",
    "symfony server:start",
    "python -m http.server",
    "python3 -m http.server",
    "fastapi dev",
    "django-admin runserver",
    "runserver_plus",
    "vite dev",
    "vite serve",
    "vite --host",
];

const SCHEDULERS: &[&str] = &[
    "rq-scheduler",
    "rqscheduler",
    "airflow scheduler",
    "artisan schedule:work",
    "schedule:run",
    "clockwork",
    "crond",
    "cron -f",
    "supercronic",
    "ofelia",
    "manage.py qcluster",
    "manage.py runcrons",
    "manage.py crontab",
    "rails solid_queue:start",
    "bree",
];

const WORKERS: &[&str] = &[
    "sidekiq",
    "rq worker",
    "rqworker",
    "dramatiq",
    "huey_consumer",
    "run_huey",
    "queue:work",
    "artisan horizon",
    "jobs:work",
    "resque",
    "delayed_job",
    "arq",
    "good_job",
    "oban",
    "manage.py qcluster",
    "manage.py process_tasks",
    "messenger:consume",
    "taskiq worker",
    "graphile-worker",
    "que",
];

/// How migrations are called, with what people call them.
const MIGRATIONS: &[&str] = &[
    "manage.py migrate",
    "django-admin migrate",
    "alembic upgrade",
    "flask db upgrade",
    "db:migrate",
    "db:prepare",
    "db:schema:load",
    "prisma migrate deploy",
    "prisma db push",
    "knex migrate:latest",
    "migration:run",
    "artisan migrate",
    "ecto.migrate",
    "doctrine:migrations:migrate",
    "flyway migrate",
    "goose up",
    "dbmate up",
    "drizzle-kit migrate",
    "drizzle-kit push",
    "node-pg-migrate up",
    "sqlx migrate run",
    "diesel migration run",
    "dbmate migrate",
];

/// Whether words stand in a row in a line, as whole words; a path before the first one counts as well.
pub(crate) fn has_word_run(line: &str, run: &str) -> bool {
    let edge = |c: char| c.is_whitespace() || "&|;()\"'`{}=".contains(c);
    line.match_indices(run).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + run.len()..].chars().next();
        before.is_none_or(|c| edge(c) || c == '/') && after.is_none_or(edge)
    })
}

fn first(line: &str, runs: &[&'static str]) -> Option<&'static str> {
    runs.iter().copied().find(|run| has_word_run(line, run))
}

/// The development server that a line starts.
pub(crate) fn is_development_server(line: &str) -> Option<&'static str> {
    let with_reload = has_word_run(line, "--reload");
    let server = ["uvicorn", "gunicorn", "hypercorn", "granian"].into_iter();
    let reloading =
        server.filter(|name| with_reload && has_word_run(line, name)).map(|name| match name {
            "uvicorn" => "uvicorn --reload",
            "gunicorn" => "gunicorn --reload",
            "hypercorn" => "hypercorn --reload",
            _ => "granian --reload",
        });
    let bare_vite = (line == "vite" || line.ends_with(" vite")).then_some("vite");
    first(line, DEVELOPMENT_SERVERS).or(bare_vite).or_else(|| reloading.into_iter().next())
}

/// The scheduler that a line starts.
pub(crate) fn is_scheduler(line: &str) -> Option<&'static str> {
    if has_word_run(line, "celery") {
        let embedded = has_word_run(line, "-b") || has_word_run(line, "--beat");
        if has_word_run(line, "beat") {
            return Some("celery beat");
        }
        // `-b` is the broker as well: the line is lower-case. A worker's takes no value.
        if has_word_run(line, "worker")
            && (has_word_run(line, "--beat") || embedded && bare_b(line))
        {
            return Some("celery worker -B");
        }
        return None;
    }
    first(line, SCHEDULERS)
}

fn bare_b(line: &str) -> bool {
    let mut words = line.split(' ').skip_while(|word| *word != "-b").skip(1);
    words.next().is_none_or(|next| next.starts_with('-'))
}

/// The queue worker that a line starts.
pub(crate) fn is_worker(line: &str) -> Option<&'static str> {
    if has_word_run(line, "celery") {
        return has_word_run(line, "worker").then_some("celery worker");
    }
    first(line, WORKERS)
}

/// The migration that a line runs.
pub(crate) fn migration(line: &str) -> Option<&'static str> {
    first(line, MIGRATIONS)
}

/// Whether a script does something, sleeps for a minute or more, and does it again.
pub(crate) fn sleeps_in_a_loop(line: &str) -> bool {
    let looped =
        ["while true", "while :", "while [ 1 ]", "while sleep", "while ((1))", "for ((;;))"]
            .into_iter()
            .any(|start| line.contains(start));
    looped
        && line.match_indices("sleep ").any(|(at, word)| {
            let rest = &line[at + word.len()..];
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '$' && c != '{' && c != '_');
            seconds(&rest[..end.unwrap_or(rest.len())]).is_none_or(|seconds| seconds >= 60)
        })
}

/// `86400`, `12h`; `None` for what is not known, such as a variable.
fn seconds(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    match &text[end..] {
        "" | "s" => Some(number),
        "m" => Some(number.saturating_mul(60)),
        "h" => Some(number.saturating_mul(3600)),
        "d" => Some(number.saturating_mul(86_400)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedulers_are_told_from_workers() {
        let cases = [
            ("celery -a shop beat -l info", Some("celery beat")),
            ("celery -a shop worker -b -l info", Some("celery worker -B")),
            ("celery -b redis://r worker", None),
            ("celery -a shop worker", None),
            ("sh -c cron -f", Some("cron -f")),
            ("node cron-info.js", None),
        ];
        for (line, expected) in cases {
            assert_eq!(is_scheduler(line), expected, "{line}");
        }
    }

    #[test]
    fn loops_that_wait_for_something_are_no_schedules() {
        assert!(sleeps_in_a_loop("while true; do python job.py; sleep 86400; done"));
        assert!(sleeps_in_a_loop("while :; do certbot renew; sleep 12h & wait; done"));
        assert!(sleeps_in_a_loop("while true; do x; sleep $interval; done"));
        assert!(!sleeps_in_a_loop("until pg_isready; do sleep 1; done; exec app"));
        assert!(!sleeps_in_a_loop("while true; do ping; sleep 5; done"));
    }

    #[test]
    fn development_servers_are_whole_words() {
        let cases = [
            ("python manage.py runserver 0.0.0.0:8000", true),
            ("npm run dev -- --host", true),
            ("npm run devices", false),
            ("vite build", false),
            ("npx vite", true),
            ("uvicorn app:app --reload", true),
            ("uvicorn app:app", false),
            ("gunicorn app.wsgi", false),
        ];
        for (line, expected) in cases {
            assert_eq!(is_development_server(line).is_some(), expected, "{line}");
        }
    }
}
