"""TensorFlow's operations that do more than compute, by literal name, and those that every export holds."""

from __future__ import annotations

# What each of them can do, in the words of a finding.
DANGEROUS = {
    **dict.fromkeys(
        ("ReadFile", "MatchingFiles", "ImmutableConst", "InitializeTableFromTextFile", "InitializeTableFromTextFileV2",
         "FixedLengthRecordReader", "FixedLengthRecordReaderV2", "TextLineReader", "TextLineReaderV2", "TFRecordReader",
         "TFRecordReaderV2", "WholeFileReader", "WholeFileReaderV2", "LMDBReader", "TextLineDataset", "TFRecordDataset",
         "TFRecordDatasetV2", "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "CSVDataset", "CSVDatasetV2",
         "LMDBDataset", "SqlDataset", "ExperimentalLMDBDataset", "ExperimentalCSVDataset", "ExperimentalSqlDataset",
         "ExperimentalMatchingFilesDataset", "MatchingFilesDataset", "LoadDataset", "LoadDatasetV2",
         "LoadTPUEmbeddingAdagradParameters", "CheckpointReader", "ReaderReadV2", "SnapshotDataset", "SnapshotDatasetV2",
         "FileSystemSetConfiguration", "FixedUnigramCandidateSampler"),
        "reads files",
    ),
    **dict.fromkeys(
        ("WriteFile", "SaveDataset", "SaveDatasetV2", "DatasetToTFRecord", "ExperimentalDatasetToTFRecord",
         "WriteSummary", "WriteScalarSummary", "WriteImageSummary", "WriteGraphSummary", "WriteRawProtoSummary",
         "WriteHistogramSummary", "WriteAudioSummary", "CreateSummaryFileWriter", "CreateSummaryDbWriter",
         "ImportEvent", "DebugIdentity", "DebugIdentityV2", "DebugIdentityV3", "DebugNanCount", "DebugNumericSummary",
         "DebugNumericSummaryV2", "Save", "SaveSlices", "DumpDataset"),
        "writes files",
    ),
    **dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), "calls Python"),
    **dict.fromkeys(("Print", "PrintV2"), "writes to the console or a file"),
    **dict.fromkeys(
        ("Send", "_Send", "_HostSend", "Recv", "_Recv", "_HostRecv", "RemoteCall", "RpcCall", "RpcClient", "RpcServer",
         "RpcServerStart", "CollectiveReduce", "DataServiceDataset", "DataServiceDatasetV2", "DataServiceDatasetV3",
         "DataServiceDatasetV4", "RegisterDataset", "RegisterDatasetV2", "GcsConfigureBlockCache", "GcsConfigureCredentials",
         "BigQueryReader", "KafkaDataset", "DecodeProtoV2", "EncodeProto"),
        "reaches other processes or machines",
    ),
    **dict.fromkeys(("LoadLibrary", "TPUExecute", "XlaLaunch", "LoadOpLibrary"), "runs foreign code"),
}  # fmt: skip

# By design these read and write checkpoints; elsewhere than in a saver they read and write whatever they are told.
SAVERS = {
    **dict.fromkeys(("SaveV2", "MergeV2Checkpoints", "DeleteFile"), "writes files"),
    **dict.fromkeys(("Restore", "RestoreV2", "RestoreSlice"), "reads files"),
}

# What image classifiers are made of. Anything else is named in the refusal.
ORDINARY = frozenset(
    """
    Abs Add AddN AddV2 All Any ArgMax ArgMin Assert AssignAddVariableOp AssignSubVariableOp AssignVariableOp AvgPool AvgPool3D
    BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchToSpaceND BiasAdd BroadcastArgs BroadcastTo Cast Ceil ClipByValue Concat
    ConcatV2 Const Conv2D Conv2DBackpropInput Conv3D Cos DepthwiseConv2dNative DisableCopyOnRead Div DivNoNan Einsum Elu Equal
    Erf Exp ExpandDims Fill Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Gather GatherV2 Greater
    GreaterEqual Identity IdentityN If InvertPermutation IsFinite IsNan L2Loss LRN LeakyRelu Less LessEqual Log Log1p LogSoftmax
    LogicalAnd LogicalNot LogicalOr MatMul Max MaxPool MaxPool3D MaxPoolV2 Maximum Mean Min Minimum MirrorPad Mul Neg NoOp
    NotEqual OneHot OnesLike Pack Pad PadV2 PartitionedCall Placeholder PlaceholderWithDefault Pow Prod Range Rank ReadVariableOp
    RealDiv Reciprocal Relu Relu6 Reshape ResizeBilinear ResizeNearestNeighbor ReverseV2 Round Rsqrt Select SelectV2 Selu Shape
    ShardedFilename Sigmoid Sign Sin Size Slice Softmax Softplus Softsign SpaceToBatchND Split SplitV Sqrt Square
    SquaredDifference Squeeze StatefulPartitionedCall StatelessIf StatelessWhile StaticRegexFullMatch StopGradient StridedSlice
    StringJoin Sub Sum Switch Tanh TensorListFromTensor TensorListGetItem TensorListReserve TensorListSetItem TensorListStack Tile
    TopKV2 Transpose Unpack VarHandleOp VarIsInitializedOp VariableV2 Where While ZerosLike
    """.split()
)
