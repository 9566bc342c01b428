//! `GET /_deltastore/jobs` and `POST /_deltastore/jobs/NAME/run`, `pause` and `resume`: background work.

use s3s::{Body, HttpResponse, S3Error, S3Result, s3_error};

use super::state::{Admin, PREFIX, answer};
use crate::store::JobError;

/// What is done to a job.
#[derive(Clone, Copy)]
enum Action {
    Run,
    Pause,
    Resume,
}

/// The job and the action that the rest of a path names.
fn named(path: &str) -> S3Result<(&str, Action)> {
    let action = |name| match name {
        "run" => Some(Action::Run),
        "pause" => Some(Action::Pause),
        "resume" => Some(Action::Resume),
        _ => None,
    };
    path.split_once('/')
        .and_then(|(job, name)| Some((job, action(name)?)))
        .ok_or_else(|| s3_error!(InvalidRequest, "A job is controlled by {PREFIX}jobs/NAME/run, pause or resume."))
}

impl Admin {
    pub(super) fn jobs(&self) -> S3Result<HttpResponse> {
        let jobs = self.objects.store().jobs().list();
        let text = serde_json::to_string(&jobs).map_err(S3Error::internal_error)?;
        Ok(answer(Body::from(text + "\n")))
    }

    /// `subject` is what follows `jobs/`.
    pub(super) fn control_job(&self, subject: &str) -> S3Result<HttpResponse> {
        let jobs = self.objects.store().jobs();
        let (job, action) = named(subject)?;
        let told = match action {
            Action::Run => jobs.run(job),
            Action::Pause => jobs.pause(job),
            Action::Resume => jobs.resume(job),
        };
        told.map_err(refusal)?;
        self.jobs()
    }
}

fn refusal(error: JobError) -> S3Error {
    match error {
        JobError::Unknown(_) => s3_error!(InvalidArgument, "{error}; GET {PREFIX}jobs lists them."),
        JobError::Running(_) | JobError::Paused(_) | JobError::Ended(_) => s3_error!(OperationAborted, "{error}."),
        JobError::Thread(_) => s3_error!(InternalError, "{error}."),
    }
}
