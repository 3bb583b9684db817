//! What is known about commands and images: which end by themselves, which must not run twice, which
//! keep data. Plain tables; a miss only means that a comment is not written.

/// A command as one lower-case text with single spaces, so that `sh -c` and lists read alike.
pub(crate) fn plain(words: &[String]) -> String {
    let text = words.join(" ").to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Commands that do one thing and end: a part of the command, and what it does.
const JOBS: &[(&str, &str)] = &[
    ("manage.py migrate", "migrates the database"),
    ("django-admin migrate", "migrates the database"),
    ("manage.py collectstatic", "collects static files"),
    ("db:migrate", "migrates the database"),
    ("db:prepare", "migrates the database"),
    ("db:setup", "sets the database up"),
    ("db:schema:load", "sets the database up"),
    ("assets:precompile", "builds the assets"),
    ("alembic upgrade", "migrates the database"),
    ("flask db upgrade", "migrates the database"),
    ("prisma migrate deploy", "migrates the database"),
    ("prisma db push", "migrates the database"),
    ("drizzle-kit migrate", "migrates the database"),
    ("knex migrate", "migrates the database"),
    ("sequelize db:migrate", "migrates the database"),
    ("sequelize-cli db:migrate", "migrates the database"),
    ("typeorm migration:run", "migrates the database"),
    ("migration:run", "migrates the database"),
    ("run migrate", "migrates the database"),
    ("artisan migrate", "migrates the database"),
    ("doctrine:migrations:migrate", "migrates the database"),
    ("phinx migrate", "migrates the database"),
    ("ecto.migrate", "migrates the database"),
    ("dbmate up", "migrates the database"),
    ("goose up", "migrates the database"),
    ("flyway migrate", "migrates the database"),
    ("liquibase update", "migrates the database"),
    ("atlas migrate apply", "migrates the database"),
    ("sqlx migrate run", "migrates the database"),
    ("diesel migration run", "migrates the database"),
    ("migrate -path", "migrates the database"),
    ("migrate -source", "migrates the database"),
    ("mc mb", "makes buckets"),
];

/// Servers: a command that names one does not end.
const SERVERS: &[&str] = &[
    "gunicorn",
    "uvicorn",
    "daphne",
    "hypercorn",
    "runserver",
    "waitress",
    "uwsgi",
    "flask run",
    "puma",
    "rails server",
    "rails s ",
    "unicorn",
    "npm start",
    "npm run start",
    "yarn start",
    "next start",
    "node ",
    "pm2",
    "php-fpm",
    "artisan serve",
    "apache2",
    "httpd",
    "nginx",
    "supervisord",
    "java ",
    "sidekiq",
    "celery",
];

/// Commands of schedulers: running twice, they do everything twice.
const SCHEDULERS: &[(&str, &str)] = &[
    ("celery beat", "is a Celery scheduler"),
    ("celerybeat", "is a Celery scheduler"),
    ("rqscheduler", "is an RQ scheduler"),
    ("rq-scheduler", "is an RQ scheduler"),
    ("run_huey", "runs Huey's periodic tasks"),
    ("clockwork", "is a Clockwork scheduler"),
    ("rufus", "is a scheduler"),
    ("resque:scheduler", "is a Resque scheduler"),
    ("schedule:work", "is Laravel's scheduler"),
    ("schedule:run", "is Laravel's scheduler"),
    ("schedule:daemon", "is Laravel's scheduler"),
    ("messenger:consume scheduler", "is Symfony's scheduler"),
    ("airflow scheduler", "is Airflow's scheduler"),
    ("dagster-daemon", "is Dagster's scheduler"),
    ("supercronic", "is cron"),
    ("crond", "is cron"),
    ("cron -f", "is cron"),
    ("ofelia", "is a scheduler"),
];

/// Names of services that hardly ever are anything but a scheduler.
const SCHEDULER_NAMES: &[&str] =
    &["beat", "celery-beat", "celery_beat", "celerybeat", "cron", "clock", "scheduler"];

/// Images of schedulers, by the last part of their name.
const SCHEDULER_IMAGES: &[&str] = &["ofelia", "supercronic", "chadburn", "docker-crontab"];

/// What a command that ends by itself does, when it is known to be one.
pub(crate) fn job(command: &str) -> Option<&'static str> {
    let (_, what) = JOBS.iter().find(|(part, _)| command.contains(part))?;
    let serves = SERVERS.iter().any(|server| {
        // The migration tool may itself be run by `node`, or sit in a path with `nginx` in it.
        command.split(['&', ';']).any(|part| part.contains(server) && job_part(part).is_none())
    });
    (!serves).then_some(what)
}

fn job_part(command: &str) -> Option<&'static str> {
    JOBS.iter().find(|(part, _)| command.contains(part)).map(|(part, _)| *part)
}

/// A migration in the start command of something that then serves.
pub(crate) fn hidden_job(command: &str) -> Option<&'static str> {
    let part = job_part(command)?;
    job(command).is_none().then_some(part)
}

/// Why a service must not run twice, when it looks like that.
pub(crate) fn singleton(name: &str, image: &str, command: &str) -> Option<&'static str> {
    // `celery -A shop beat` has its app in between; `-B` makes a worker a scheduler too.
    let words: Vec<&str> = command.split(' ').collect();
    let is_celery = words.iter().any(|word| *word == "celery" || word.ends_with("/celery"));
    if is_celery && words.contains(&"beat") {
        return Some("is a Celery scheduler");
    }
    if is_celery && words.iter().any(|word| matches!(*word, "-b" | "--beat")) {
        return Some("is a Celery worker with a scheduler inside");
    }
    if let Some((_, what)) = SCHEDULERS.iter().find(|(part, _)| command.contains(part)) {
        return Some(what);
    }
    if SCHEDULER_IMAGES.contains(&last_part(image)) {
        return Some("is a scheduler");
    }
    SCHEDULER_NAMES.contains(&name).then_some("is called like a scheduler")
}

/// Whether a volume's name says that each release fills it anew.
pub(crate) fn is_made_by_a_release(volume: &str) -> bool {
    let name = volume.to_lowercase().replace(['-', '_'], "");
    ["static", "staticfiles", "staticdata", "assets", "publicassets", "webassets", "djangostatic"]
        .contains(&name.as_str())
}

/// The image's own name: without registry, tag and digest.
pub(crate) fn last_part(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    let last = name.rsplit('/').next().unwrap_or(name);
    last.split(':').next().unwrap_or(last)
}

/// Names of services that face users, most telling first.
const PUBLIC_NAMES: &[&str] =
    &["nginx", "proxy", "caddy", "traefik", "web", "frontend", "app", "site", "server", "api"];

/// How likely a service is the one that users talk to; more is likelier.
pub(crate) fn publicness(name: &str) -> usize {
    let at = PUBLIC_NAMES.iter().position(|known| name == *known);
    let at = at.or_else(|| PUBLIC_NAMES.iter().position(|known| name.contains(known)));
    at.map_or(0, |at| PUBLIC_NAMES.len() - at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_end_and_servers_do_not() {
        let jobs = [
            "python manage.py migrate --noinput",
            "sh -c python manage.py migrate && python manage.py collectstatic --noinput",
            "bundle exec rails db:migrate",
            "npx prisma migrate deploy",
            "node node_modules/.bin/knex migrate:latest",
            "php artisan migrate --force",
            "/bin/sh -c ./manage.py collectstatic",
        ];
        for command in jobs {
            assert!(job(command).is_some(), "{command}");
        }
        let servers = [
            "sh -c python manage.py migrate && gunicorn shop.wsgi",
            "bash -c rails db:migrate && rails server -b 0.0.0.0",
            "gunicorn shop.wsgi",
            "celery -a shop worker",
        ];
        for command in servers {
            assert_eq!(job(command), None, "{command}");
        }
        assert_eq!(hidden_job(servers[0]), Some("manage.py migrate"));
        assert_eq!(hidden_job(jobs[0]), None);
    }

    #[test]
    fn schedulers_are_known_by_command_image_or_name() {
        let yes = [
            ("x", "shop:1", "celery -a shop beat -l info"),
            ("x", "shop:1", "celery -a shop worker -b"),
            ("x", "shop:1", "php artisan schedule:work"),
            ("x", "mcuadros/ofelia:latest", "daemon"),
            ("cron", "alpine", ""),
        ];
        for (name, image, command) in yes {
            assert!(singleton(name, image, command).is_some(), "{name} {image} {command}");
        }
        let no = [
            ("worker", "shop:1", "celery -a shop worker"),
            ("web", "nginx", ""),
            ("heartbeat", "shop:1", "run"),
        ];
        for (name, image, command) in no {
            assert_eq!(singleton(name, image, command), None, "{name}");
        }
    }

    #[test]
    fn the_public_service_is_the_one_in_front() {
        assert!(publicness("nginx") > publicness("web"));
        assert!(publicness("shop-web") > publicness("worker"));
        assert_eq!(publicness("db"), 0);
    }
}
