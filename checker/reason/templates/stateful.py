"""Types that keep data: what is lost with them cannot be made again from the code."""

from __future__ import annotations

from typing import Final

# What is lost with the resource: data, identities of users, keys to data, images that a rollback needs.
STATEFUL: Final = frozenset(
    {
        "AWS::AmazonMQ::Broker",
        "AWS::Backup::BackupVault",
        "AWS::Cassandra::Table",
        "AWS::Cognito::UserPool",
        "AWS::CodeCommit::Repository",
        "AWS::DSQL::Cluster",
        "AWS::DocDB::DBCluster",
        "AWS::DocDB::DBInstance",
        "AWS::DocDBElastic::Cluster",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::ECR::Repository",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::Elasticsearch::Domain",
        "AWS::FSx::FileSystem",
        "AWS::HealthLake::FHIRDatastore",
        "AWS::Kinesis::Stream",
        "AWS::Lightsail::Database",
        "AWS::MSK::Cluster",
        "AWS::MemoryDB::Cluster",
        "AWS::Neptune::DBCluster",
        "AWS::Neptune::DBInstance",
        "AWS::NeptuneGraph::Graph",
        "AWS::OpenSearchServerless::Collection",
        "AWS::OpenSearchService::Domain",
        "AWS::QLDB::Ledger",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::RDS::GlobalCluster",
        "AWS::Redshift::Cluster",
        "AWS::RedshiftServerless::Namespace",
        "AWS::S3::Bucket",
        "AWS::S3Express::DirectoryBucket",
        "AWS::S3Tables::TableBucket",
        "AWS::SecretsManager::Secret",
        "AWS::Serverless::SimpleTable",
        "AWS::Timestream::InfluxDBInstance",
        "AWS::Timestream::Table",
    }
)
