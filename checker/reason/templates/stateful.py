"""Types that keep data: what is lost with them cannot be made again from the code."""

from __future__ import annotations

from functools import cache
from typing import Final

from checker import lazy_re
from checker.data.type_facts import facts_of

# What is lost with the resource: data, identities of users, keys to data, images that a rollback needs.
STATEFUL: Final = frozenset(
    {
        "AWS::AmazonMQ::Broker",
        "AWS::Backup::BackupVault",
        "AWS::Cassandra::Table",
        "AWS::Cognito::UserPool",
        "AWS::Cassandra::Keyspace",
        "AWS::CodeArtifact::Repository",
        "AWS::CodeCommit::Repository",
        "AWS::CustomerProfiles::Domain",
        "AWS::DSQL::Cluster",
        "AWS::Connect::DataTable",
        "AWS::DocDB::DBCluster",
        "AWS::DocDB::DBInstance",
        "AWS::DocDBElastic::Cluster",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::ECR::Repository",
        "AWS::EMR::WALWorkspace",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::Elasticsearch::Domain",
        "AWS::FSx::FileSystem",
        "AWS::HealthLake::FHIRDatastore",
        "AWS::Kinesis::Stream",
        "AWS::Lightsail::Bucket",
        "AWS::Lightsail::Database",
        "AWS::MSK::ServerlessCluster",
        "AWS::MSK::Cluster",
        "AWS::MediaStore::Container",
        "AWS::MemoryDB::Cluster",
        "AWS::Neptune::DBCluster",
        "AWS::Neptune::DBInstance",
        "AWS::NeptuneGraph::Graph",
        "AWS::OpenSearchServerless::Collection",
        "AWS::OpenSearchService::Domain",
        "AWS::QBusiness::Index",
        "AWS::QLDB::Ledger",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::RDS::GlobalCluster",
        "AWS::Rekognition::Collection",
        "AWS::Redshift::Cluster",
        "AWS::RedshiftServerless::Namespace",
        "AWS::S3::Bucket",
        "AWS::S3Express::DirectoryBucket",
        "AWS::S3Outposts::Bucket",
        "AWS::S3Tables::TableBucket",
        "AWS::SageMaker::Domain",
        "AWS::SecretsManager::Secret",
        "AWS::SDB::Domain",
        "AWS::Serverless::SimpleTable",
        "AWS::Timestream::InfluxDBInstance",
        "AWS::Timestream::Table",
    }
)

# What a type that keeps something is called, at the end of its name ...
_KEEPERS: Final = lazy_re.compile(
    r"(?:Database|Datastore|(?:Data|Sequence|Variant|Annotation|Reference|Parameter)Store|FileSystem|Volume|Bucket|Vault"
    r"|Ledger|Table|Index|Tape|Disk|Stream|Broker|Repository|Workspace|InfluxDBCluster|VmCluster|Infrastructure"
    r"|FeatureGroup|Collection|Memory)$"
)
# ... and what its schema has beside: how much it holds, for how long, and by which key nobody else reads it.
_KEPT: Final = lazy_re.compile(
    r"Kms|KMS|Sse|SSE|Encryption|Snapshot|Backup|AllocatedStorage|StorageCapacity|VolumeSize|SizeIn|PointInTime"
    r"|DeletionProtection|TerminationProtection|RetentionPeriod|OnlineStore|StorageConfig"
)


# Called and set up like what keeps data, and hands it on within minutes (Amazon Data Firehose Developer Guide).
_CARRIERS: Final = frozenset({"AWS::KinesisFirehose::DeliveryStream"})


@cache
def keeps_data(kind: str) -> bool:
    """Whether data is lost with a resource of this type: it is one of :data:`STATEFUL`, or its schema says so."""
    if kind in STATEFUL or kind in _CARRIERS or not _KEEPERS.search(kind):
        return kind in STATEFUL
    return any(_KEPT.search(path) for path in facts_of(kind).properties)
