//! TLS before a server: certificates, and a listener that passes on what comes through TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// A certificate and its key.
pub struct Identity {
    certificate: CertificateDer<'static>,
    pub pem: String,
    key: KeyPair,
}

/// Signs certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = params(&[]);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Writes its certificate as a PEM file, and answers where.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("authority.pem");
        std::fs::write(&path, self.issuer.pem()).unwrap();
        path
    }

    /// A certificate for these names; `years` are the first and the one after the last in which it is valid.
    pub fn sign(&self, names: &[&str], years: (i32, i32)) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = params(names);
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: signed.der().clone(), pem: signed.pem(), key }
    }
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| String::from(*name)).collect::<Vec<_>>()).unwrap()
}

/// A certificate that nobody else signed; `is_ca` as OpenSSL's own settings have it.
pub fn self_signed(names: &[&str], is_ca: IsCa) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = params(names);
    params.is_ca = is_ca;
    let signed = params.self_signed(&key).unwrap();
    Identity { certificate: signed.der().clone(), pem: signed.pem(), key }
}

/// Listens on a free port until it is dropped.
pub struct Terminator {
    pub port: u16,
    _runtime: Runtime,
}

impl Terminator {
    /// Before the server at `host`, an address with a port.
    pub fn start(identity: &Identity, host: &str) -> Self {
        let key = PrivatePkcs8KeyDer::from(identity.key.serialize_der());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![identity.certificate.clone()], key.into())
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = host.to_owned();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, host) = (acceptor.clone(), host.clone());
                tokio::spawn(async move {
                    // Clients that do not trust the certificate go away; that is what tests are about.
                    let Ok(mut outer) = acceptor.accept(stream).await else { return };
                    assert_eq!(outer.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
                    let mut inner = TcpStream::connect(host).await.unwrap();
                    let _ = copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
        Terminator { port, _runtime: runtime }
    }
}
